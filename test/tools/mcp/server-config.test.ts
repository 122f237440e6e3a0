import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { describe, expect, test } from 'vitest'
import { createMcpServers } from '../../../src/tools/mcp/index.ts'
import { parseServers } from '../../../src/tools/mcp/server-config.ts'

const parse = (server: unknown, name = 's') => parseServers({ mcpServers: { [name]: server } } as never)

test('the forms of other hosts are taken', () => {
  const servers = parseServers({
    mcpServers: {
      plain: { command: 'node' },
      full: { type: 'stdio', command: 'node', args: ['a'], env: { A: '1' }, cwd: '/', disabled: false },
      web: { type: 'streamable-http', url: 'https://example.com/mcp', headers: { A: 'b' } },
      off: { url: 'http://example.com', disabled: true },
    },
    somethingElse: true,
  } as never)
  expect(servers).toEqual([
    {
      name: 'plain',
      reach: { kind: 'process', command: 'node', args: [], env: {} },
      readOnlyTools: [],
      resetTimeoutOnProgress: false,
    },
    {
      name: 'full',
      reach: { kind: 'process', command: 'node', args: ['a'], env: { A: '1' }, cwd: '/' },
      readOnlyTools: [],
      resetTimeoutOnProgress: false,
    },
    {
      name: 'web',
      reach: { kind: 'http', url: new URL('https://example.com/mcp'), headers: { A: 'b' } },
      readOnlyTools: [],
      resetTimeoutOnProgress: false,
    },
  ])
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
      'Expected `mcpServers.s.readonlyTools` to be absent (known are type, command, args, env, cwd, disabled, concurrency, readOnlyTools, timeoutMs, resetTimeoutOnProgress), got a field that is not known',
    ],
    [
      'with a field of the other way',
      { url: 'http://a', args: [] },
      'Expected `mcpServers.s.args` to be absent (known are type, url, headers, disabled, concurrency, readOnlyTools, timeoutMs, resetTimeoutOnProgress), got a field that is not known',
    ],
    [
      'with the older transport',
      { type: 'sse', url: 'http://a' },
      'Expected `mcpServers.s.type` to be `http` or `streamable-http` beside `url` (servers of the older `sse` transport are not spoken to), got `"sse"` (string)',
    ],
    [
      'with no concurrency',
      { command: 'a', concurrency: 0 },
      'Expected `mcpServers.s.concurrency` to be a positive integer, got `0` (number)',
    ],
    [
      'with a secret of the wrong type',
      { command: 'a', env: { KEY: 123456 } },
      'Expected `mcpServers.s.env` to be an object of strings, got something else',
    ],
    [
      'with a password in its URL',
      { url: 'http://me:secret@a' },
      'Expected `mcpServers.s.url` to be an http or https URL without user or password (credentials belong into `headers`), got something else',
    ],
    [
      'with a contradiction',
      { command: 'a', timeoutMs: 0, resetTimeoutOnProgress: true },
      'MCP server `s`: `resetTimeoutOnProgress` has nothing to start anew while `timeoutMs` is 0; leave one out',
    ],
  ])('%s', (_, server, message) => {
    expect(() => parse(server)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', message }))
  })

  test('with a name that would make the names of its tools ambiguous', () => {
    expect(() => parse({ command: 'a' }, 'a:b')).toThrow(/^Expected `mcpServers.a:b` to be a name of 1–100/)
  })

  test('that has servers without `mcpServers` around them', () => {
    expect(() => parseServers({ s: { command: 'node' } } as never)).toThrow(
      /configured servers stand under `mcpServers`/,
    )
    expect(() => parseServers({ mcpServers: [] } as never)).toThrow(/^Expected `mcpServers` to be an object/)
    expect(() => parseServers(null as never)).toThrow(/^Expected `config` to be an object/)
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
  [{ fetch: 1 }, '`fetch`'],
])('the options %o are refused', (options, name) => {
  expect(() => createMcpServers({ mcpServers: {} }, options as never)).toThrow(name)
})
