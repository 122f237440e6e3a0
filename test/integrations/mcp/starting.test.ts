import { describe, expect, test } from 'vitest'
import type { Tool } from '../../../src/index.ts'
import {
  createMcpServers,
  type McpProcessConfig,
  type McpServers,
  mcpTools,
} from '../../../src/integrations/mcp/index.ts'
import { call, collectLines, createJournal, hostile, isAlive, serve } from './mcp-rig.ts'

/** What a workflow that names these servers gets. */
const open = (servers: McpServers, ...names: string[]): Promise<Tool[]> =>
  servers.toolsFor({ tasks: names.map(name => ({ tool: `${name}:echo` })) })

test('a server is started by the workflow that names it, once, and no other is', async () => {
  const [used, unused] = [createJournal(), createJournal()]
  const servers = serve({ used: hostile('fair', {}, used.file), unused: hostile('exits', {}, unused.file) })
  expect(used.readPids()).toEqual([])
  const workflow = {
    tasks: [{ tool: 'used:echo' }, { tool: 'used:pid' }, { tool: 'unusedtoo' }, { tool: 'other:tool' }],
  }
  const [first, second] = await Promise.all([servers.toolsFor(workflow), servers.toolsFor(workflow)])
  expect(first.map(({ name }) => name)).toContain('used:echo')
  expect(first[0]).toBe(second[0])
  await servers.toolsFor(workflow)
  expect(used.readPids()).toHaveLength(1)
  expect(unused.readPids()).toEqual([])
})

test('a value that is not a workflow names no server', async () => {
  const servers = serve({ h: hostile('exits') })
  for (const workflow of [null, 3, { tasks: 'h:echo' }, { tasks: [null, { tool: 1 }] }]) {
    expect(await servers.toolsFor(workflow as never)).toEqual([])
  }
})

describe('a server that does not start is named with the reason:', () => {
  test.each<[string, ReturnType<typeof hostile>, string]>([
    ['the program is not there', { command: 'no-such-program-here' }, '`no-such-program-here` was not found'],
    [
      'its folder is not',
      hostile('fair', { cwd: '/no/such/folder' }),
      `\`${process.execPath}\`, or its \`cwd\`, was not found`,
    ],
    ['it exits', hostile('exits'), 'it exited with code 3; it last wrote: cannot start: no key is not known'],
    ['it does not answer', hostile('silent'), 'it did not answer `initialize` within 1000 ms'],
    [
      'it writes logs on stdout',
      hostile('babbles'),
      'it did not answer `initialize` within 1000 ms, but wrote 2 lines on stdout that are not messages (logs belong on stderr)',
    ],
    ['it speaks another version', hostile('old'), "Server's protocol version is not supported: 1999-01-01"],
    ['it does not list its tools', hostile('no-list'), 'it did not answer `tools/list` within 1000 ms'],
    ['its list is none', hostile('bad-list'), 'its answer to `tools/list` has no array of tools'],
    ['its list has no end', hostile('endless'), 'its list of tools has more than 1000 pages'],
    ['it lists too many tools', hostile('many-tools'), 'it lists more than 10000 tools'],
    ['its list is too large', hostile('large-list'), 'its list of tools has more than 16 MiB'],
  ])('%s', async (_, config, reason) => {
    // Only those that never answer are to run into it.
    const startTimeoutMs = reason.includes('within 1000 ms') ? 1000 : 30_000
    const servers = serve({ bad: config, fair: hostile() }, { startTimeoutMs })
    const failed = { name: 'bad', reason: `MCP server \`bad\` does not start: ${reason}` }
    await expect(open(servers, 'bad', 'fair')).rejects.toMatchObject({
      name: 'DagstreamError',
      code: 'TOOLS_UNAVAILABLE',
      message: failed.reason,
      details: { servers: [failed] },
    })
  })
})

test('all servers that do not start are named at once, and the others can still be used', async () => {
  const servers = serve({ a: hostile('exits'), b: { command: 'no-such-program-here' }, c: hostile() })
  await expect(open(servers, 'a', 'b', 'c')).rejects.toMatchObject({
    details: { servers: [{ name: 'a' }, { name: 'b' }] },
  })
  const tools = await open(servers, 'c')
  expect((await call(tools, 'c:echo', { text: 'x' })).task.output).toBe('x')
})

test('a list has the tools of the servers that start, and the log names the others', async () => {
  const logger = collectLines()
  const servers = serve({ bad: hostile('exits'), fair: hostile('paged') }, { logger })
  expect((await servers.tools()).map(({ name }) => name)).toContain('fair:tool-0')
  expect(logger.lines).toContain(
    'warn MCP server `bad` does not start: it exited with code 3; it last wrote: cannot start: no key is not known',
  )
})

test('servers start at the same time', async () => {
  const journals = [createJournal(), createJournal()]
  const [a, b] = journals.map(({ file }) => hostile('silent', {}, file))
  const servers = createMcpServers({ mcpServers: { a: a as McpProcessConfig, b: b as McpProcessConfig } })
  const asked = expect(open(servers, 'a', 'b')).rejects.toMatchObject({ code: 'TOOLS_UNAVAILABLE' })
  // Neither has answered, nor ever will.
  await expect.poll(() => journals.map(journal => journal.readPids().length)).toEqual([1, 1])
  await servers.close()
  await asked
})

test('a server that did not start is retried the next time', async () => {
  const journal = createJournal()
  const servers = serve({ a: hostile('exits', {}, journal.file) })
  await expect(open(servers, 'a')).rejects.toMatchObject({ code: 'TOOLS_UNAVAILABLE' })
  await expect(open(servers, 'a')).rejects.toMatchObject({ code: 'TOOLS_UNAVAILABLE' })
  expect(journal.readPids()).toHaveLength(2)
})

test('nothing is left running when one of all servers does not start', async () => {
  const journal = createJournal()
  const source = { mcpServers: { good: hostile('fair', {}, journal.file), bad: hostile('exits') } }
  await expect(mcpTools(source)).rejects.toMatchObject({ code: 'TOOLS_UNAVAILABLE' })
  expect(journal.readPids().map(isAlive)).toEqual([false])
})

test('secrets of the configuration are in no error and no line of the log', async () => {
  const logger = collectLines()
  const secret = 'sk-very-secret-1'
  const env = { API_KEY: secret }
  const argument = 'sk-very-secret-2'
  const servers = serve(
    { bad: hostile('exits', { env }), h: hostile('fair', { env, concurrency: 1 }, '', `--token=${argument}`) },
    { logger },
  )
  const failure = await open(servers, 'bad').catch(error => error)
  expect(failure.message).toContain('cannot start: [redacted] is not known')
  const tools = await open(servers, 'h')
  const leak = await call(tools, 'h:leak')
  expect(leak.task.error).toBe('MCP error 1: The key [redacted] was refused')
  const leakLog = await call(tools, 'h:leak-log')
  const leakArgument = await call(tools, 'h:leak-argument')
  expect(leakArgument.task.error).toBe('The argument --token=[redacted] was refused')
  await servers.close()
  const told = JSON.stringify([
    failure,
    failure.details,
    logger.lines,
    leak.events,
    leakLog.events,
    leakArgument.events,
  ])
  expect(told).toContain('using [redacted]')
  expect(told).not.toMatch(/sk-very-secret/)
})

test('a server sees only the configured and the safe variables', async () => {
  process.env['DAGSTREAM_TEST_SECRET'] = 'from the outside'
  try {
    const tools = await serve({ h: hostile('fair', { env: { MINE: 'mine' } }) }).tools()
    const { task } = await call(tools, 'h:env')
    expect(Object.keys(task.output as object)).toEqual(expect.arrayContaining(['MINE', 'PATH']))
    expect(Object.keys(task.output as object)).not.toContain('DAGSTREAM_TEST_SECRET')
  } finally {
    delete process.env['DAGSTREAM_TEST_SECRET']
  }
})

test('a server that floods stderr works, and a bounded part of it is reported', async () => {
  const logger = collectLines()
  const tools = await serve({ h: hostile('floods') }, { logger }).tools()
  expect((await call(tools, 'h:echo', { text: 'x' })).task.output).toBe('x')
  expect(logger.lines.length).toBeGreaterThan(50)
  expect(logger.lines.length).toBeLessThan(1000)
})
