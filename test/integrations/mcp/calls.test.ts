import { describe, expect, test } from 'vitest'
import { call, collectLines, hostile, run, serve } from './mcp-rig.ts'

test('tools are named after their server and keep its descriptions', async () => {
  const logger = collectLines()
  const tools = await serve({ h: hostile('fair', { readOnlyTools: ['echo', 'none'] }) }, { logger }).tools()
  const echo = tools.find(({ name }) => name === 'h:echo')
  expect(echo).toMatchObject({ inputSchema: { type: 'object' }, readOnly: true })
  expect(echo?.limit).toBeUndefined()
  const [pid, die] = ['h:pid', 'h:die'].map(name => tools.find(each => each.name === name))
  expect(pid?.limit).toBe(die?.limit)
  expect(logger.lines).toEqual([
    'warn MCP server `h`: `bad-pattern`: patterns of its schema are not checked, since they do not compile. Tool `bad-pattern`: `inputSchema` is not a usable JSON Schema: Invalid regular expression: /^[\\w-.]+$/u: Invalid character class',
    'warn MCP server `h`: `bad-schema`: its arguments are not checked here. Tool `bad-schema`: `inputSchema` is not a usable JSON Schema: unresolved $ref `#/nowhere`',
    'warn MCP server `h`: lists an entry that is not a tool',
    'warn MCP server `h`: lists a tool whose name cannot be used: ""',
    'warn MCP server `h`: lists a tool whose name cannot be used: "a\\u0000b"',
    'warn MCP server `h`: `as-task` is omitted: it can only be called as a task of the protocol',
    'warn MCP server `h`: lists two tools named `echo`; the first is used',
    'warn MCP server `h`: has no tool `none`, which `readOnlyTools` names',
  ])
})

test('all pages of a list of tools are read', async () => {
  const tools = await serve({ h: hostile('paged') }).tools()
  expect(tools.map(({ name }) => name)).toEqual(['h:tool-0', 'h:tool-1', 'h:tool-2', 'h:tool-3', 'h:tool-4'])
})

test('a server without tools has none', async () => {
  expect(await serve({ h: hostile('no-tools') }).tools()).toEqual([])
})

test('a tool that a server adds is there the next time its tools are asked for', async () => {
  const servers = serve({ h: hostile() })
  const tools = await servers.tools()
  expect((await call(tools, 'h:grow')).task.output).toBe('changed')
  expect(tools.some(({ name }) => name === 'h:grown')).toBe(false)
  expect((await call(await servers.tools(), 'h:grown')).task.output).toBe('grown')
})

test('faults of a list are not reported again when the server changes it', async () => {
  const logger = collectLines()
  const servers = serve({ h: hostile('fair', { readOnlyTools: ['none'] }) }, { logger })
  const warnings = (): string[] => logger.lines.filter(line => line.startsWith('warn'))
  const tools = await servers.tools()
  const first = warnings()
  expect(first.length).toBeGreaterThan(1)
  await call(tools, 'h:grow')
  expect((await servers.tools()).length).toBe(tools.length + 1)
  expect(warnings()).toEqual(first)
})

describe('the output', () => {
  test.each([
    ['of one block of text is its text', 'echo', { text: 'hello' }, 'hello'],
    ['is the structured content where there is one', 'cancelled', {}, { cancelled: [] }],
    [
      'of several blocks, of whatever type, is the blocks',
      'odd',
      {},
      [
        { type: 'hologram', data: 1 },
        { type: 'text', text: 'b' },
      ],
    ],
    ['of no block is an empty array', 'empty', {}, []],
  ])('%s', async (_, name, args, output) => {
    const tools = await serve({ h: hostile() }).tools()
    expect((await call(tools, `h:${name}`, args)).task).toMatchObject({ status: 'success', output })
  })
})

describe('a schema that the checker refuses', () => {
  test('is checked without the patterns that do not compile', async () => {
    const tools = await serve({ h: hostile() }).tools()
    expect((await call(tools, 'h:bad-pattern', { name: '???', count: 1 })).task.output).toBe('ok')
    await expect(call(tools, 'h:bad-pattern', { name: 'a', count: 'x' })).rejects.toMatchObject({
      code: 'INVALID_WORKFLOW',
      details: { issues: [{ code: 'INVALID_ARGUMENTS', pointer: '/tasks/0/arguments/count' }] },
    })
  })

  test('is not checked where nothing of it can be', async () => {
    const tools = await serve({ h: hostile() }).tools()
    expect((await call(tools, 'h:bad-schema', { any: 'thing' })).task.output).toBe('ok')
  })
})

test('with `checkArguments` off a server is sent what its schemas would refuse, and the schemas are shown', async () => {
  const logger = collectLines()
  const tools = await serve({ h: hostile('fair', { checkArguments: false }) }, { logger }).tools()
  const tool = tools.find(({ name }) => name === 'h:bad-pattern')
  expect(tool).toMatchObject({
    checkArguments: false,
    inputSchema: {
      type: 'object',
      properties: { name: { type: 'string', pattern: '^[\\w-.]+$' }, count: { type: 'integer' } },
      required: ['name'],
    },
  })
  const tasks = [
    { id: 'a', tool: 'h:bad-pattern', arguments: { count: 'x', more: [1] } },
    { id: 'b', tool: 'h:bad-pattern', arguments: { name: '$OUTPUT[a]', count: '$OUTPUT[a]' } },
    { id: 'c', tool: 'h:bad-schema' },
  ]
  expect((await run(tools, tasks)).result.results.map(({ output }) => output)).toEqual(['ok', 'ok', 'ok'])
  expect(logger.lines.filter(line => line.includes('schema'))).toEqual([])
})

describe('a failed call', () => {
  test.each([
    ['refused by the protocol is not repeated', 'refuse', 'MCP error -32602: Not like this', 1],
    [
      'without a result is one',
      'no-result',
      'MCP server `h` sent an answer that violates the protocol: its `result` is a string, not an object',
      2,
    ],
  ])('%s', async (_, name, error, attempts) => {
    const tools = await serve({ h: hostile() }).tools()
    const retry = { maxAttempts: 2, initialDelayMs: 0 }
    const { task } = await call(tools, `h:${name}`, {}, { retry })
    expect(task).toMatchObject({ status: 'error', error, attempts })
  })
})

test('progress is reported, the last too, though it arrives with the answer', async () => {
  const tools = await serve({ h: hostile() }).tools()
  const { events } = await call(tools, 'h:progress')
  const progress = events.filter(({ type }) => type === 'task_progress').map(({ data }) => data)
  expect(progress).toMatchObject([1, 2, 3].map(n => ({ progress: n, total: 3, message: `part ${n}` })))
})

test('a flood of progress is reported in part, its end too, and the call is answered', async () => {
  const tools = await serve({ h: hostile('fair', { timeoutMs: 0 }) }).tools()
  const { task, events } = await call(tools, 'h:progress-flood', { count: 20_000 })
  const progress = events.flatMap(({ type, data }) => (type === 'task_progress' ? [data.progress] : []))
  expect([task.output, progress.at(-1)]).toEqual(['flooded', 20_000])
  expect(progress.length).toBeLessThan(2000)
})

describe('the log of a server', () => {
  test('is reported to the call that runs', async () => {
    const tools = await serve({ h: hostile('fair', { concurrency: 1 }) }).tools()
    const { events } = await call(tools, 'h:logs', { level: 'critical' })
    expect(events.filter(({ type }) => type === 'info').map(({ data }) => data)).toMatchObject([
      { taskId: 'a', attempt: 1, level: 'error', message: 'hostile: {"n":0}' },
    ])
  })

  test('is reported once, to the oldest of an execution’s calls', async () => {
    const tools = await serve({ h: hostile('fair', { concurrency: 4 }) }).tools()
    const { events } = await run(tools, [
      { id: 'a', tool: 'h:together', arguments: { count: 2 } },
      { id: 'b', tool: 'h:logs' },
      { id: 'c', tool: 'h:together', arguments: { count: 2 } },
    ])
    expect(events.filter(({ type }) => type === 'info').map(({ data }) => data)).toMatchObject([{ taskId: 'a' }])
  })

  test('is reported to no call while those of several executions run', async () => {
    const logger = collectLines()
    const tools = await serve({ h: hostile('fair', { concurrency: 4 }) }, { logger }).tools()
    const stop = new AbortController()
    const other = run(tools, [{ id: 'x', tool: 'h:hang' }], { signal: stop.signal })
    const { events } = await call(tools, 'h:logs')
    stop.abort()
    const told = [...events, ...(await other).events].filter(({ type }) => type === 'info')
    expect(told).toEqual([])
    expect(logger.lines).toContain('debug MCP server `h`: hostile: {"n":0}')
  })

  test('is reported up to a bound per call', async () => {
    const tools = await serve({ h: hostile('fair', { concurrency: 1 }) }).tools()
    const { events } = await call(tools, 'h:logs', { count: 3000 })
    const told = events.filter(({ type }) => type === 'info')
    expect(told.length).toBe(1000)
    expect(told.at(-1)?.data).toMatchObject({ level: 'warning' })
  })
})

describe('the limit of a server', () => {
  const busy = Array.from({ length: 6 }, (_, n) => ({ id: `t${n}`, tool: 'h:busy' }))
  const peakOf = (outputs: readonly { output?: unknown }[]): number =>
    Math.max(...outputs.map(({ output }) => (output as { peak: number }).peak))

  test('is one call at a time, reported once per execution', async () => {
    const tools = await serve({ h: hostile() }).tools()
    const { result, events } = await run(tools, busy)
    expect(peakOf(result.results)).toBe(1)
    expect(events.filter(({ type }) => type === 'info').map(({ data }) => data)).toMatchObject([
      {
        taskId: 't0',
        level: 'info',
        message:
          'Tools of MCP server `h` that are not marked read-only run one at a time: name all that change nothing in its `readOnlyTools`, or raise its `concurrency`',
      },
    ])
    expect((await run(tools, busy.slice(0, 1))).events.filter(({ type }) => type === 'info')).toHaveLength(1)
  })

  test('is its `concurrency`, and then nothing is reported', async () => {
    const tools = await serve({ h: hostile('fair', { concurrency: 3 }) }).tools()
    const { result, events } = await run(tools, busy)
    expect(peakOf(result.results)).toBe(3)
    expect(events.filter(({ type }) => type === 'info')).toEqual([])
  })

  test('does not hold for tools that the server marks read-only', async () => {
    const tools = await serve({ h: hostile() }).tools()
    const marked = tools.find(({ name }) => name === 'h:marked')
    expect([marked?.readOnly, marked?.limit]).toEqual([true, undefined])
    const tasks = ['a', 'b', 'c'].map(id => ({ id, tool: 'h:marked', arguments: { count: 3 } }))
    const { result, events } = await run(tools, tasks)
    expect(result.successCount).toBe(3)
    expect(events.filter(({ type }) => type === 'info')).toEqual([])
  })

  test('does not hold for `readOnlyTools`', async () => {
    const tools = await serve({ h: hostile('fair', { readOnlyTools: ['busy'] }) }).tools()
    const { result, events } = await run(tools, busy)
    expect(peakOf(result.results)).toBe(6)
    expect(events.filter(({ type }) => type === 'info')).toEqual([])
  })

  test.each([[[]], [['busy']]])('where `readOnlyTools` is %j that alone counts', async readOnlyTools => {
    const tools = await serve({ h: hostile('fair', { readOnlyTools }) }).tools()
    const marked = tools.find(({ name }) => name === 'h:marked')
    expect([marked?.readOnly, marked?.limit]).toEqual([undefined, tools.find(({ name }) => name === 'h:die')?.limit])
    const { task, events } = await call(tools, 'h:marked', { count: 1 })
    expect([task.status, events.filter(({ type }) => type === 'info').length]).toEqual(['success', 1])
  })
})
