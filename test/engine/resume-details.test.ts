import { expect, test } from 'vitest'
import {
  createMemoryStore,
  type DAGStructure,
  type Execution,
  type ExecutionOptions,
  type ExecutionStore,
  StreamingExecutor,
  type Tool,
} from '../../src/index.ts'
import { type Kept, leaveAfter, readKept } from '../support/crash.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { FakeClock, idle } from '../support/fake-clock.ts'
import { outline } from '../support/outline.ts'
import { collectEvents } from '../support/rig.ts'
import { task, workflow } from '../support/workflows.ts'

/** An execution as its process leaves it, and the means of the next one to resume it. */
interface Left {
  readonly executionId: string
  readonly kept: Kept
  readonly store: ExecutionStore
  readonly clock: FakeClock
  readonly tool: ControlledTool
  readonly resume: (options?: ExecutionOptions, tools?: readonly Tool[]) => Promise<Execution>
}

/** Runs an execution until `live` returns and everything has come to rest; then its process ends. */
async function leave(
  document: DAGStructure,
  options: ExecutionOptions,
  live: (tool: ControlledTool, clock: FakeClock, execution: Execution) => Promise<void>,
  more: readonly Tool[] = [],
): Promise<Left> {
  const clock = new FakeClock()
  const first = new ControlledTool()
  const firstStore = createMemoryStore({ clock })
  const tools = [{ name: 'work', execute: first.execute }, ...more]
  const execution = new StreamingExecutor(tools, { clock, ...options, store: firstStore }).stream(document)
  await live(first, clock, execution)
  await idle()
  const { executionId } = execution
  const kept = await readKept(firstStore, executionId)
  const store = await leaveAfter(kept, kept.entries.length)
  const tool = new ControlledTool()
  const resume: Left['resume'] = (more = {}, given = [{ name: 'work', execute: tool.execute }]) =>
    new StreamingExecutor(given, { clock, ...more, store }).resume(executionId)
  return { executionId, kept, store, clock, tool, resume }
}

test('an attempt that was cut is reported as interrupted and runs again, and does not count against the retries', async () => {
  const retry = { maxAttempts: 2, initialDelayMs: 10, jitter: 0 }
  const left = await leave(workflow(task('a', [], { retry })), {}, async tool => void (await tool.nextCall('a')))
  const execution = await left.resume()
  const events = collectEvents(execution)
  const again = await left.tool.nextCall('a')
  expect(again.context.attempt).toBe(2)
  expect(again.context.idempotencyKey).toBe(`${left.executionId}.a`)
  again.fail()
  await left.clock.run(10)
  ;(await left.tool.nextCall('a')).fail()
  const { results } = await execution.result
  expect(results[0]).toMatchObject({ status: 'error', code: 'TOOL_ERROR', attempts: 3 })
  expect(outline(events)).toEqual([
    'execution_start',
    'task_start a',
    'execution_resumed',
    'task_retry a',
    'task_start a 2',
    'task_retry a 2',
    'task_start a 3',
    'task_complete a error TOOL_ERROR',
    'execution_complete error',
  ])
  expect(events[2]?.data).toMatchObject({ cause: 'manual', executionTimeMs: 0 })
  expect(events[3]?.data).toMatchObject({ attempt: 1, delayMs: 0, code: 'INTERRUPTED', interrupted: true })
})

test('an attempt that is cut again and again never uses up its retries', async () => {
  let left = await leave(workflow('a'), {}, async tool => void (await tool.nextCall('a')))
  for (let life = 2; life <= 4; life++) {
    await left.resume()
    expect((await left.tool.nextCall('a')).context.attempt).toBe(life)
    const kept = await readKept(left.store, left.executionId)
    const store = await leaveAfter(kept, kept.entries.length)
    const tool = new ControlledTool()
    const { clock, executionId } = left
    const executor = new StreamingExecutor([{ name: 'work', execute: tool.execute }], { clock, store })
    left = { ...left, kept, store, tool, resume: () => executor.resume(executionId) }
  }
  const execution = await left.resume()
  ;(await left.tool.nextCall('a')).succeed(1)
  expect((await execution.result).results[0]).toMatchObject({ status: 'success', attempts: 5 })
})

test('a task that waited for its next attempt waits for the rest of its delay, whatever the clock', async () => {
  const retry = { maxAttempts: 2, initialDelayMs: 1000, jitter: 0 }
  const live = async (tool: ControlledTool): Promise<void> => (await tool.nextCall('a')).fail()
  const left = await leave(workflow(task('a', [], { retry })), {}, live)
  left.clock.advance(400)
  await left.resume()
  await left.clock.run(599)
  expect(left.tool.started).toEqual([])
  await left.clock.run(1)
  expect((await left.tool.nextCall('a')).context.attempt).toBe(2)

  const back = await leave(workflow(task('a', [], { retry })), {}, live)
  // A clock that was set back by an hour.
  const clock = new FakeClock()
  const wallTime = (): number => FakeClock.START - 3_600_000
  await back.resume({ clock: { now: () => clock.now(), after: clock.after.bind(clock), wallTime } })
  await clock.run(999)
  expect(back.tool.started).toEqual([])
  await clock.run(1)
  await back.tool.nextCall('a')
})

/** As `resume`, of a process whose memory has evicted all events but the last. */
async function resumeTrimmed({ kept, executionId, clock }: Left, tool: ControlledTool): Promise<Execution> {
  const store = await leaveAfter(kept, kept.entries.length, { maxTailEvents: 1 })
  return new StreamingExecutor([{ name: 'work', execute: tool.execute }], { clock, store }).resume(executionId)
}

test('a failed attempt counts, also when memory has evicted its events', async () => {
  const retry = { maxAttempts: 2, initialDelayMs: 10, jitter: 0 }
  const left = await leave(workflow(task('a', [], { retry }), 'b'), {}, async tool => {
    ;(await tool.nextCall('a')).fail()
    ;(await tool.nextCall('b')).succeed()
  })
  const tool = new ControlledTool()
  const execution = await resumeTrimmed(left, tool)
  await left.clock.run(0)
  ;(await tool.nextCall('a')).fail()
  expect((await execution.result).results[0]).toMatchObject({ status: 'error', attempts: 2 })
})

test.each([
  ['runs', 4],
  ['waits', 3],
] as const)(
  'an interrupted attempt does not count when its events are evicted while the next one %s',
  async (now, attempts) => {
    const retry = { maxAttempts: 2, initialDelayMs: 10, jitter: 0 }
    const cut = await leave(workflow(task('a', [], { retry }), 'b'), {}, async tool => {
      await tool.nextCall('a')
      await tool.nextCall('b')
    })
    await cut.resume()
    ;(await cut.tool.nextCall('b')).succeed()
    await idle()
    const kept = await readKept(cut.store, cut.executionId)
    // That of `b` follows that of `a`.
    const waiting = kept.entries.slice(0, kept.entries.findLastIndex(({ type }) => type === 'task_retry') + 1)
    const tool = new ControlledTool()
    const last = await resumeTrimmed({ ...cut, kept: { ...kept, ...(now === 'waits' && { entries: waiting }) } }, tool)
    await cut.clock.run(0)
    ;(await tool.nextCall('a')).fail()
    if (now === 'waits') (await tool.nextCall('b')).succeed()
    await cut.clock.run(10)
    ;(await tool.nextCall('a')).fail()
    expect((await last.result).results[0]).toMatchObject({ status: 'error', attempts })
  },
)

test.each(['layers', 'dataflow'] as const)(
  'below the first layer too a task that waited for its next attempt waits, and runs once: %s',
  async schedule => {
    const retry = { maxAttempts: 3, initialDelayMs: 1000, jitter: 0 }
    const document = workflow('a', task('f', ['a'], { retry }), task('y', ['a']), task('z', ['f', 'y']))
    const left = await leave(document, { schedule, maxConcurrency: 1 }, async tool => {
      ;(await tool.nextCall('a')).succeed(1)
      ;(await tool.nextCall('f')).fail()
      await tool.nextCall('y')
    })
    const execution = await left.resume()
    const events = collectEvents(execution)
    const y = await left.tool.nextCall('y')
    // Its delay ends while the only slot is taken.
    await left.clock.run(1000)
    expect(left.tool.started).toEqual(['y'])
    y.succeed(2)
    ;(await left.tool.nextCall('f')).succeed(3)
    ;(await left.tool.nextCall('z')).succeed(4)
    const { status, results } = await execution.result
    expect([status, results.map(({ attempts }) => attempts)]).toEqual(['success', [1, 2, 2, 1]])
    expect(left.tool.started).toEqual(['y', 'f', 'z'])
    expect(events.filter(({ type }) => type === 'task_complete')).toHaveLength(4)
  },
)

test('the time of an execution is that of its lives put together', async () => {
  const left = await leave(workflow('a', task('b', ['a'])), {}, async (tool, clock) => {
    await tool.nextCall('a')
    clock.advance(300)
    tool.takeAll()
    await idle()
  })
  const early = await leave(workflow('a', task('b', ['a'])), {}, async (tool, clock) => {
    const a = await tool.nextCall('a')
    clock.advance(300)
    a.succeed()
    await tool.nextCall('b')
  })
  for (const [{ resume, clock, tool }, firstLifeMs] of [
    // Up to its last event.
    [left, 0],
    [early, 300],
  ] as const) {
    clock.advance(60_000)
    const execution = await resume()
    await idle()
    clock.advance(200)
    await tool.succeedAll()
    expect((await execution.result).executionTimeMs).toBe(firstLifeMs + 200)
  }
})

test('an execution continues with the rest of its timeout', async () => {
  const left = await leave(
    workflow('a', task('b', ['a'])),
    { timeoutMs: 1000, abortGraceMs: 0 },
    async (tool, clock) => {
      const a = await tool.nextCall('a')
      clock.advance(700)
      a.succeed()
      await tool.nextCall('b')
    },
  )
  left.clock.advance(100_000)
  const execution = await left.resume()
  await left.clock.run(299)
  expect(left.tool.runningCount).toBe(1)
  await left.clock.run(1)
  expect(await execution.result).toMatchObject({
    status: 'cancelled',
    reason: { code: 'EXECUTION_TIMEOUT', message: 'Timed out after 1000 ms' },
    executionTimeMs: 1000,
  })
})

test('a cancellation that was asked for is kept to: nothing runs again', async () => {
  const left = await leave(
    workflow('a', 'b', task('c', ['a'])),
    { abortGraceMs: 60_000 },
    async (tool, _, execution) => {
      const [a] = await tool.nextCalls('a', 'b')
      a.succeed(1)
      await idle()
      // `b` and `c` ignore it: their process ends before they do.
      execution.cancel('Enough')
    },
  )
  const stopping = left.kept.entries.find(({ type }) => type === 'execution_stopping')
  const reason = { code: 'CANCELLED', message: 'Enough' }
  expect(JSON.parse(stopping?.json ?? '')).toMatchObject({ reason, message: 'Enough' })
  const execution = await left.resume()
  const result = await execution.result
  expect(result).toMatchObject({ status: 'cancelled', reason: { code: 'CANCELLED', message: 'Enough' } })
  expect(result.results.map(({ status }) => status)).toEqual(['success', 'cancelled', 'cancelled'])
  expect(left.tool.started).toEqual([])
})

test('a cancellation that an earlier version kept beside the log is kept to, before the first event too', async () => {
  const left = await leave(workflow('a'), {}, async () => {})
  const inner = await leaveAfter(left.kept, 0)
  const get: ExecutionStore['get'] = async executionId => {
    const stored = await inner.get(executionId)
    return stored && { ...stored, notes: { stop: { message: 'Never' } } }
  }
  const executor = new StreamingExecutor([{ name: 'work', execute: left.tool.execute }], { store: { ...inner, get } })
  const execution = await executor.resume(left.executionId)
  expect((await execution.result).results).toMatchObject([{ status: 'cancelled', error: 'Never' }])
  expect(left.tool.started).toEqual([])
})

test('onCrash "fail" fails unsettled tasks, and keeps settled ones', async () => {
  const left = await leave(workflow('a', task('b', ['a']), task('c', ['b'])), { onCrash: 'fail' }, async tool => {
    ;(await tool.nextCall('a')).succeed(1)
    await tool.nextCall('b')
  })
  const result = await (await left.resume()).result
  expect(result.status).toBe('partial')
  expect(result.results).toMatchObject([
    { status: 'success', output: 1 },
    { status: 'error', code: 'INTERRUPTED', error: 'The process that ran it ended', attempts: 1 },
    { status: 'error', code: 'INTERRUPTED', attempts: 0 },
  ])
  expect(result.errors).toHaveLength(2)
  expect(left.tool.started).toEqual([])
})

test('a missing tool fails unsettled tasks and is named', async () => {
  const left = await leave(workflow('a', task('b', ['a'])), {}, async tool => {
    ;(await tool.nextCall('a')).succeed(1)
    await tool.nextCall('b')
  })
  const result = await (await left.resume({}, [{ name: 'other', execute: () => 0 }])).result
  expect(result.status).toBe('partial')
  expect(result.results).toMatchObject([
    { status: 'success', output: 1 },
    {
      status: 'error',
      code: 'TOOLS_UNAVAILABLE',
      error: 'Tool `work`, which the execution uses, no longer exists',
    },
  ])
})

test('a missing tool is not needed if all its tasks have settled', async () => {
  const document = workflow('a', task('b', ['a'], { tool: 'other' }))
  const other = new ControlledTool()
  const left = await leave(
    document,
    {},
    async tool => {
      ;(await tool.nextCall('a')).succeed(1)
      await other.nextCall('b')
    },
    [{ name: 'other', execute: other.execute }],
  )
  const execution = await left.resume({}, [{ name: 'other', execute: other.execute }])
  ;(await other.nextCall('b')).succeed(2)
  expect((await execution.result).results).toMatchObject([{ output: 1 }, { status: 'success', output: 2 }])
})

test('a tool whose schema no longer accepts the arguments fails unsettled tasks', async () => {
  const left = await leave(workflow('a'), {}, async tool => void (await tool.nextCall('a')))
  const strict = { name: 'work', inputSchema: { type: 'object', required: ['n'] }, execute: () => 0 }
  expect((await (await left.resume({}, [strict])).result).errors).toMatchObject([{ code: 'INVALID_WORKFLOW' }])
})

test('usage continues from the recorded one, and so does a budget', async () => {
  const document = workflow('a', task('b', ['a']), task('c', ['b']))
  const left = await leave(document, { maxTokens: 25 }, async tool => {
    const a = await tool.nextCall('a')
    a.context.reportUsage({ totalTokensIn: 10 })
    a.succeed()
    await tool.nextCall('b')
  })
  const execution = await left.resume()
  const b = await left.tool.nextCall('b')
  b.context.reportUsage({ totalTokensIn: 10 })
  b.succeed()
  const c = await left.tool.nextCall('c')
  c.context.reportUsage({ totalTokensIn: 10 })
  c.succeed()
  expect(await execution.result).toMatchObject({
    status: 'cancelled',
    reason: { code: 'BUDGET_EXCEEDED' },
    tokenUsage: { totalTokensIn: 30, totalTokensOut: 0 },
  })
})

test('an execution continues with the options that it began with', async () => {
  const left = await leave(workflow('a', 'b', 'c'), { maxConcurrency: 1, schedule: 'dataflow' }, async () => {})
  expect(left.kept.record.options).toBe(
    '{"schedule":"dataflow","maxConcurrency":1,"onTaskError":"continue","onCrash":"resume","timeoutMs":0,' +
      '"taskTimeoutMs":30000,"abortGraceMs":2000,"maxTokens":null,"maxCost":null}',
  )
  await left.resume({ maxConcurrency: 3 })
  await left.tool.idle()
  expect(left.tool.started).toEqual(['a'])
})

test('one that has ended is only shown', async () => {
  const left = await leave(workflow('a'), {}, async tool => (await tool.nextCall('a')).succeed({ x: 1 }))
  const execution = await left.resume()
  const events = collectEvents(execution)
  await left.tool.idle()
  expect(outline(events)).toEqual([
    'execution_start',
    'task_start a',
    'task_complete a success',
    'execution_complete success',
  ])
  expect(await execution.result).toMatchObject({ status: 'success', results: [{ output: { x: 1 } }] })
})

test('a process that still runs it is fenced', async () => {
  const store = createMemoryStore()
  const tool = new ControlledTool()
  const executor = new StreamingExecutor([{ name: 'work', execute: tool.execute }], { store })
  const first = executor.stream(workflow('a'))
  const call = await tool.nextCall('a')
  const second = await executor.resume(first.executionId)
  call.succeed(1)
  await expect(first.result).rejects.toMatchObject({ code: 'FENCED' })
  ;(await tool.nextCall('a')).succeed(2)
  expect((await second.result).results[0]).toMatchObject({ status: 'success', output: 2, attempts: 2 })
})

test('an execution that cannot be resumed is refused with its code', async () => {
  const executor = new StreamingExecutor([{ name: 'work', execute: () => 0 }], { store: createMemoryStore() })
  await expect(executor.resume('none')).rejects.toMatchObject({ code: 'EXECUTION_NOT_FOUND' })
  await expect(new StreamingExecutor([]).resume('none')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  const store = createMemoryStore()
  await store.create({ executionId: 'x', createdAt: '2026-01-01T00:00:00.000Z' })
  await expect(new StreamingExecutor([], { store }).resume('x')).rejects.toMatchObject({ code: 'RECORD_UNUSABLE' })
})
