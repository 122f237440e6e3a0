import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { describe, expect, test } from 'vitest'
import { createMcpServers } from '../../../src/integrations/mcp/index.ts'
import { parseServers as parseAll } from '../../../src/integrations/mcp/config/parse-servers.ts'

const VARIABLES = { KEY: 'the-key', EMPTY: '', FOLDER: '/srv', API_TOKEN: 'the-token' }
const parseServers = (source: unknown) => parseAll(source as never, VARIABLES)
const parse = (server: unknown, name = 's') => parseServers({ mcpServers: { [name]: server } })

test('the forms of other hosts are taken', () => {
  const servers = parseServers({
    mcpServers: {
      plain: { command: 'node' },
      full: { type: 'stdio', command: 'node', args: ['a'], env: { A: '1' }, cwd: '/', disabled: false },
      web: { type: 'streamable-http', url: 'https://example.com/mcp', headers: { A: 'b' } },
      off: { url: 'http://example.com', disabled: true },
    },
    somethingElse: true,
  })
  expect(servers).toEqual([
    {
      name: 'plain',
      reach: { kind: 'process', command: 'node', args: [], env: {} },
      secrets: [],
      checkArguments: true,
      resetTimeoutOnProgress: false,
    },
    {
      name: 'full',
      reach: { kind: 'process', command: 'node', args: ['a'], env: { A: '1' }, cwd: '/' },
      secrets: ['1'],
      checkArguments: true,
      resetTimeoutOnProgress: false,
    },
    {
      name: 'web',
      reach: { kind: 'http', url: new URL('https://example.com/mcp'), headers: { A: 'b' } },
      secrets: ['b'],
      checkArguments: true,
      resetTimeoutOnProgress: false,
    },
  ])
})

describe('a variable of the environment', () => {
  test('is put in wherever it is named, in each form of other hosts', () => {
    const [process, web] = parseServers({
      mcpServers: {
        process: {
          command: '${FOLDER}/run',
          args: ['--key=${env:KEY}', '${NONE:-a}${EMPTY:-b}${EMPTY}', 'cost: $5 {x} $${KEY}'],
          env: { TOKEN: '${KEY}' },
          cwd: '${FOLDER}',
        },
        web: { url: 'https://${HOST:-example.com}/mcp', headers: { Authorization: 'Bearer ${KEY}' } },
      },
    })
    expect(process?.reach).toEqual({
      kind: 'process',
      command: '/srv/run',
      args: ['--key=the-key', 'ab', 'cost: $5 {x} ${KEY}'],
      env: { TOKEN: 'the-key' },
      cwd: '/srv',
    })
    expect(web?.reach).toEqual({
      kind: 'http',
      url: new URL('https://example.com/mcp'),
      headers: { Authorization: 'Bearer the-key' },
    })
  })

  test('is a secret where its name says so', () => {
    const [server] = parse({ command: '${FOLDER}/run', args: ['${API_TOKEN}'] })
    expect(server?.secrets).toEqual(['the-token'])
  })

  test.each([
    ['${NONE}', '`mcpServers.s.args` has `${NONE}`; expected the variable `NONE` to be set'],
    [
      '${input:key}',
      '`mcpServers.s.args` has `${input:key}`; expected `${NAME}`, `${env:NAME}` or `${NAME:-default}` (`$${` stands for `${`)',
    ],
  ])('that is %s is refused', (text, message) => {
    expect(() => parse({ command: 'node', args: [text] })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message }),
    )
    expect(parse({ command: 'node', args: [text], disabled: true })).toEqual([])
  })
})

test('settings of other hosts for user confirmation are ignored', () => {
  const theirs = { alwaysAllow: ['a'], autoApprove: ['a'], trust: true, description: 'a server' }
  expect(parse({ command: 'node', ...theirs })).toEqual(parse({ command: 'node' }))
})

test.each([
  ['timeout', 60, 'use `timeoutMs`, in milliseconds: hosts differ in the unit of `timeout`'],
  ['serverUrl', 'http://a', 'say `url`'],
  ['envFile', '.env', 'use `env`, where `${NAME}` stands for a variable of the environment'],
  ['oauth', {}, 'OAuth is not supported; put credentials into `headers`'],
  ['disabledTools', ['a'], 'only tools that a workflow names are called'],
])('a field `%s` of other hosts is refused, with what to do', (field, value, hint) => {
  expect(() => parse({ [field]: value })).toThrow(
    `Expected \`mcpServers.s.${field}\` to be absent (${hint}), got a field that only other hosts know`,
  )
})

describe('a configuration is refused', () => {
  test.each<[string, unknown, string]>([
    [
      'with neither way',
      {},
      'Expected `mcpServers.s` to be a server with either `command` or `url`, got one with neither',
    ],
    [
      'with both ways',
      { command: 'a', url: 'http://b' },
      'Expected `mcpServers.s` to be a server with either `command` or `url`, got one with both',
    ],
    ['that is none', 'node', 'Expected `mcpServers.s` to be a server, got `"node"` (string)'],
    [
      'with an unknown field',
      { command: 'a', readonlyTools: [] },
      'Expected `mcpServers.s.readonlyTools` to be absent (known are type, command, args, env, cwd, disabled, concurrency, readOnlyTools, checkArguments, timeoutMs, resetTimeoutOnProgress), got a field that is not known',
    ],
    [
      'with a field of the other way',
      { url: 'http://a', args: [] },
      'Expected `mcpServers.s.args` to be absent (known are type, url, headers, disabled, concurrency, readOnlyTools, checkArguments, timeoutMs, resetTimeoutOnProgress), got a field that is not known',
    ],
    [
      'with the older transport',
      { type: 'sse', url: 'http://a' },
      'Expected `mcpServers.s.type` to be `http` or `streamable-http` beside `url` (the older `sse` transport is not supported), got `"sse"` (string)',
    ],
    [
      'with no concurrency',
      { command: 'a', concurrency: 0 },
      'Expected `mcpServers.s.concurrency` to be a positive integer, got `0` (number)',
    ],
    [
      'with a word for whether arguments are checked',
      { url: 'http://a', checkArguments: 'false' },
      'Expected `mcpServers.s.checkArguments` to be true or false, got `"false"` (string)',
    ],
    [
      'with a secret of the wrong type',
      { command: 'a', env: { KEY: 123456 } },
      'Expected `mcpServers.s.env` to be an object of strings, got something else',
    ],
    [
      'with a password in its URL',
      { url: 'http://me:secret@a' },
      'Expected `mcpServers.s.url` to be an http or https URL without user or password (put credentials into `headers`), got something else',
    ],
    [
      'with a contradiction',
      { command: 'a', timeoutMs: 0, resetTimeoutOnProgress: true },
      'MCP server `s`: `resetTimeoutOnProgress` has no effect while `timeoutMs` is 0; remove one of them',
    ],
  ])('%s', (_, server, message) => {
    expect(() => parse(server)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', message }))
  })

  test('with a name that would make the names of its tools ambiguous', () => {
    expect(() => parse({ command: 'a' }, 'a:b')).toThrow(/^Expected `mcpServers.a:b` to be a name of 1–100/)
  })

  test('that has servers without `mcpServers` around them', () => {
    expect(() => parseServers({ s: { command: 'node' } })).toThrow(/configured servers belong under `mcpServers`/)
    expect(() => parseServers({ mcpServers: [] })).toThrow(/^Expected `mcpServers` to be an object/)
    expect(() => parseServers(null)).toThrow(/^Expected `config` to be an object/)
  })
})

test('a client may be named as the configuration’s field', () => {
  const client = new Client({ name: 'test', version: '1' })
  expect(parseServers({ mcpServers: client })).toMatchObject([{ name: 'mcpServers', reach: { kind: 'client' } }])
})

test.each([
  [{ startTimeoutMs: 0 }, '`startTimeoutMs`'],
  [{ logger: {} }, '`logger`'],
  [{ clock: {} }, '`clock`'],
  [{ env: 1 }, '`env`'],
  [{ fetch: 1 }, '`fetch`'],
])('the options %o are refused', (options, name) => {
  expect(() => createMcpServers({ mcpServers: {} }, options as never)).toThrow(name)
})
