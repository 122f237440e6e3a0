import { describe, expect, test } from 'vitest'
import { createMcpServers, mcpTools } from '../../../src/integrations/mcp/index.ts'
import { call, collectLines, createJournal, hostile, isAlive, run, serve } from './mcp-rig.ts'

test('a server that dies fails the calls that run on it, and runs again for those that follow', async () => {
  const tools = await serve({ h: hostile('fair', { concurrency: 4 }), other: hostile() }).tools()
  const before = (await call(tools, 'h:pid')).task.output
  const { result } = await run(tools, [
    { id: 'hang', tool: 'h:hang' },
    { id: 'die', tool: 'h:die' },
    { id: 'elsewhere', tool: 'other:echo', arguments: { text: 'x' } },
  ])
  const lost = { status: 'error', code: 'MCP_SERVER_LOST', error: 'MCP server `h` exited with code 7 during the call' }
  expect(result.results).toMatchObject([lost, lost, { status: 'success' }])
  const after = (await call(tools, 'h:pid')).task
  expect(after.status).toBe('success')
  expect(after.output).not.toBe(before)
})

test('a call that was lost with its server is repeated where the task says so', async () => {
  const tools = await serve({ h: hostile('dies-on-third') }).tools()
  const tasks = Array.from({ length: 5 }, (_, n) => ({
    id: `t${n}`,
    tool: 'h:echo',
    arguments: { text: `${n}` },
    retry: { maxAttempts: 2, initialDelayMs: 0 },
  }))
  const { result } = await run(tools, tasks)
  expect(result.results.map(({ output, attempts }) => [output, attempts])).toEqual([
    ['0', 1],
    ['1', 1],
    ['2', 2],
    ['3', 1],
    ['4', 2],
  ])
})

test('a server that dies while nothing runs is started again, and nothing has failed', async () => {
  const logger = collectLines()
  const tools = await serve({ h: hostile('leaves') }, { logger }).tools()
  await expect.poll(() => logger.lines).toContain('warn MCP server `h`: exited with code 0')
  // It answers for some milliseconds each time.
  const { task } = await call(tools, 'h:echo', { text: 'x' }, { retry: { maxAttempts: 5, initialDelayMs: 0 } })
  expect(task).toMatchObject({ status: 'success', output: 'x' })
})

test('a call waits for a server no longer than its own timeout', async () => {
  const tools = await serve({ h: hostile() }).tools()
  for (let n = 0; n < 3; n++) await call(tools, 'h:die')
  expect((await call(tools, 'h:echo', {}, { timeoutMs: 50 })).task).toMatchObject({ code: 'TASK_TIMEOUT' })
  expect((await call(tools, 'h:echo', { text: 'x' })).task.output).toBe('x')
})

test('a message that is too large ends its server, with a clear error', async () => {
  const tools = await serve({ h: hostile() }).tools()
  expect((await call(tools, 'h:huge')).task).toMatchObject({
    code: 'MCP_SERVER_LOST',
    error: 'MCP server `h` sent a message of more than 32 MiB during the call',
  })
  expect((await call(tools, 'h:echo', { text: 'x' })).task.output).toBe('x')
})

test('garbage on stdout is reported, and affects no call', async () => {
  const logger = collectLines()
  const tools = await serve({ h: hostile() }, { logger }).tools()
  logger.lines.splice(0)
  expect((await call(tools, 'h:garbage')).task.output).toBe('after garbage')
  expect(logger.lines).toEqual(
    ['this is no message', '{"jsonrpc": "1.0"}', '{"half":'].map(
      line => `warn MCP server \`h\`: wrote a line on stdout that is not a message: ${line}`,
    ),
  )
})

test('an answer to another call is reported, and its call runs into its timeout', async () => {
  const logger = collectLines()
  const tools = await serve({ h: hostile() }, { logger }).tools()
  expect((await call(tools, 'h:wrong-id', {}, { timeoutMs: 200 })).task.code).toBe('TASK_TIMEOUT')
  expect(logger.lines.at(-1)).toContain('Received a response for an unknown message ID')
})

describe('time', () => {
  test('that runs out cancels the call at its server', async () => {
    const tools = await serve({ h: hostile() }).tools()
    expect((await call(tools, 'h:hang', {}, { timeoutMs: 100 })).task.code).toBe('TASK_TIMEOUT')
    const { cancelled } = (await call(tools, 'h:cancelled')).task.output as { cancelled: unknown[] }
    expect(cancelled).toHaveLength(1)
  })

  test('is the server’s `timeoutMs` where a task has none', async () => {
    const tools = await serve({ h: hostile('fair', { timeoutMs: 100 }) }).tools()
    expect((await call(tools, 'h:hang')).task).toMatchObject({ code: 'TASK_TIMEOUT', error: 'Timed out after 100 ms' })
  })

  test('restarts with each progress, if so configured', async () => {
    const config = { timeoutMs: 150, resetTimeoutOnProgress: true }
    const tools = await serve({ h: hostile('fair', config), plain: hostile('fair', { timeoutMs: 150 }) }).tools()
    const args = { count: 8 }
    expect((await call(tools, 'plain:slow', args)).task.code).toBe('TASK_TIMEOUT')
    const { task, events } = await call(tools, 'h:slow', args)
    expect(task.output).toBe('after 8')
    expect(events.filter(({ type }) => type === 'task_progress').length).toBe(8)
    expect((await call(tools, 'h:slow', { count: 2, stall: true })).task).toMatchObject({
      code: 'TASK_TIMEOUT',
      error: 'Neither an answer nor progress for 150 ms',
    })
    expect((await call(tools, 'h:slow', args, { timeoutMs: 100 })).task.error).toBe('Timed out after 100 ms')
  })

  test('of a cancelled execution ends at once', async () => {
    const tools = await serve({ h: hostile('fair', { timeoutMs: 150, resetTimeoutOnProgress: true }) }).tools()
    const { result } = await run(tools, [{ id: 'a', tool: 'h:slow', arguments: { count: 1000 } }], { timeoutMs: 100 })
    expect(result.results[0]).toMatchObject({ status: 'cancelled' })
  })
})

describe('closing', () => {
  test.each(['fair', 'deaf', 'silent-end'])('ends the process of a %s server', async mode => {
    const servers = createMcpServers({ mcpServers: { h: hostile(mode) } })
    const pid = Number((await call(await servers.tools(), 'h:pid')).task.output)
    await servers.close()
    expect(isAlive(pid)).toBe(false)
    await servers.close()
  })

  test('ends the child processes of a server', async () => {
    const journal = createJournal()
    const tools = await mcpTools({ mcpServers: { h: hostile('wrapper', {}, journal.file) } })
    await expect.poll(() => journal.readPids().map(isAlive)).toEqual([true, true])
    await tools.close()
    await expect.poll(() => journal.readPids().map(isAlive)).toEqual([false, false])
  })

  test('fails the calls that run, and those that follow', async () => {
    const servers = createMcpServers({ mcpServers: { h: hostile('fair', { concurrency: 2 }) } })
    const tools = await servers.tools()
    const running = call(tools, 'h:hang')
    // Both are on the wire once the second is answered.
    await call(tools, 'h:echo')
    await servers.close()
    expect((await running).task).toMatchObject({
      code: 'MCP_SERVER_LOST',
      error: 'MCP server `h` was closed during the call',
    })
    expect((await call(tools, 'h:echo')).task).toMatchObject({
      code: 'MCP_SERVER_UNAVAILABLE',
      error: 'MCP server `h` does not start: it was closed',
    })
    expect(await servers.tools()).toEqual([])
  })

  test('while a server starts ends it', async () => {
    const journal = createJournal()
    const servers = createMcpServers({ mcpServers: { h: hostile('silent', {}, journal.file) } })
    const starting = expect(servers.toolsFor({ tasks: [{ tool: 'h:echo' }] })).rejects.toMatchObject({
      message: 'MCP server `h` does not start: it was closed',
    })
    await expect.poll(() => journal.readPids()).toHaveLength(1)
    await Promise.all([starting, servers.close()])
    expect(journal.readPids().map(isAlive)).toEqual([false])
  })

  test('leaves no listener behind', async () => {
    const count = (): number => process.listenerCount('exit')
    const before = count()
    const servers = createMcpServers({ mcpServers: { a: hostile(), b: hostile() } })
    await servers.tools()
    expect(count()).toBe(before + 1)
    await servers.close()
    expect(count()).toBe(before)
  })
})
