import { describe, expect, test } from 'vitest'
import {
  type DAGStructure,
  type SinkOptions,
  type SSEEvent,
  type StreamedExecutionResult,
  StreamingExecutor,
} from '../../src/index.ts'
import { FakeSink } from '../stream/sinks.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { FakeClock, idle } from '../support/fake-clock.ts'
import { fan } from '../support/workflows.ts'

function start(workflow: DAGStructure, stream: WritableStream<SSEEvent>, options: SinkOptions = {}) {
  const clock = new FakeClock()
  const tool = new ControlledTool()
  const executor = new StreamingExecutor({ work: { execute: tool.execute } }, { clock, createId: () => 'x' })
  const run = executor.executeWithStreaming(workflow, stream, options)
  const state: { settled?: unknown } = {}
  run.then(
    value => void (state.settled = value),
    error => void (state.settled = error),
  )
  return { clock, tool, run, state }
}

const DONE = { executionId: 'x', status: 'success', totalTasks: 3, successCount: 3, errorCount: 0, skippedCount: 0 }

/** Lets three tasks succeed, and time pass to the end of every deadline. */
async function finish({ clock, tool, run }: ReturnType<typeof start>): Promise<StreamedExecutionResult> {
  await tool.succeedAll({ n: 1 })
  await clock.run(2000)
  return run
}

/** Takes events until the one with this number, which it rejects. */
function failingAt(number: number, reason: unknown): WritableStream<SSEEvent> {
  let count = 0
  return new WritableStream({
    write() {
      count += 1
      return count === number ? Promise.reject(reason) : Promise.resolve()
    },
  })
}

test('every event is written, in order, and the sink is closed', async () => {
  const sink = new FakeSink()
  const started = start(fan(3), sink.stream)
  expect(sink.stream.locked).toBe(true)
  await started.tool.succeedAll(1)
  expect(await started.run).toMatchObject({ ...DONE, delivery: 'complete' })
  expect(sink.events.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map(seq => `x.${seq}`))
  expect([sink.isClosed, started.clock.timerCount]).toEqual([true, 0])
})

describe('the result is right and nothing is left, whatever a sink does:', () => {
  const boom = new Error('boom')
  const cases: [
    name: string,
    delivery: string,
    make: () => WritableStream<SSEEvent>,
    during?: (sink: unknown) => void,
  ][] = [
    ['never writes', 'failed', () => new WritableStream({ write: () => new Promise(() => {}) })],
    ['never starts', 'failed', () => new WritableStream({ start: () => new Promise(() => {}) })],
    ['asks for nothing', 'failed', () => new TransformStream<SSEEvent, SSEEvent>().writable],
    [
      'throws',
      'failed',
      () =>
        new WritableStream({
          write() {
            throw boom
          },
        }),
    ],
    ['rejects', 'failed', () => new WritableStream({ write: () => Promise.reject(boom) })],
    ['rejects later', 'failed', () => new WritableStream({ write: () => idle().then(() => Promise.reject(boom)) })],
    ['rejects at the third event', 'failed', () => failingAt(3, boom)],
    ['rejects at the last event', 'failed', () => failingAt(8, boom)],
    ['rejects with an AbortError', 'cancelled', () => failingAt(3, new DOMException('gone', 'AbortError'))],
    ['rejects with undefined', 'cancelled', () => failingAt(3, undefined)],
    ['fails to start', 'failed', () => new WritableStream({ start: () => Promise.reject(boom) })],
    ['never closes', 'complete', () => new FakeSink({ close: () => new Promise<void>(() => {}) }).stream],
    ['throws on close', 'failed', () => new FakeSink({ close: () => Promise.reject(boom) }).stream],
    [
      'throws on abort',
      'failed',
      () => new WritableStream({ write: () => new Promise(() => {}), abort: () => Promise.reject(boom) }),
    ],
  ]
  for (const [name, delivery, make] of cases) {
    for (const preventClose of [false, true]) {
      test(`it ${name}${preventClose ? ', and is left open' : ''}`, async () => {
        const stream = make()
        const result = await finish(start(fan(3), stream, { preventClose }))
        // A sink that is not closed cannot throw on it.
        const expected = name === 'throws on close' && preventClose ? 'complete' : delivery
        expect(result).toMatchObject({ ...DONE, delivery: expected })
        if (preventClose) expect(stream.locked).toBe(false)
      })
    }
  }
})

describe('every ending leaves no timer', () => {
  for (const [name, close] of [
    ['a close that throws', () => Promise.reject(new Error('boom'))],
    ['a close that hangs', () => new Promise<void>(() => {})],
  ] as const) {
    test(name, async () => {
      const started = start(fan(3), new FakeSink({ close }).stream)
      await finish(started).catch(() => {})
      expect(started.clock.timerCount).toBe(0)
    })
  }

  test('a sink that never reads', async () => {
    const started = start(fan(3), new FakeSink({ isHeld: true }).stream)
    expect((await finish(started)).delivery).toBe('failed')
    expect(started.clock.timerCount).toBe(0)
  })
})

describe('a reader that leaves', () => {
  const reasons: [name: string, reason: unknown][] = [
    ['undefined', undefined],
    ['a string', 'bye'],
    ['an AbortError', new DOMException('gone', 'AbortError')],
    ['an Error', new Error('left')],
  ]
  for (const [name, reason] of reasons) {
    for (const moment of ['before the first read', 'while it waits', 'mid-way'] as const) {
      // Where a write is under way, a reader that cancels with an Error and a sink that throws it look alike.
      const delivery = name === 'an Error' && moment !== 'while it waits' ? 'failed' : 'cancelled'
      test(`${moment}, with ${name}, is told as ${delivery} and touches nothing`, async () => {
        const { readable, writable } = new TransformStream<SSEEvent, SSEEvent>(undefined, { highWaterMark: 100 })
        const reader = readable.getReader()
        if (moment === 'before the first read') await reader.cancel(reason)
        const started = start(fan(3), writable)
        if (moment === 'mid-way') for (let i = 0; i < 3; i++) await reader.read()
        const pending =
          moment === 'while it waits' ? [reader.read(), reader.read(), reader.read(), reader.read(), reader.read()] : []
        await idle()
        if (moment !== 'before the first read') await reader.cancel(reason)
        await Promise.all(pending)
        expect(await finish(started)).toMatchObject({ ...DONE, delivery })
        expect([started.clock.timerCount, started.tool.started]).toEqual([0, ['t0', 't1', 't2']])
      })
    }
  }

  test('under onSinkClosed "cancel" cancels the execution with DISCONNECTED', async () => {
    const sink = new FakeSink()
    const started = start(fan(3), sink.stream, { onSinkClosed: 'cancel' })
    const calls = await started.tool.nextCalls('t0', 't1', 't2')
    sink.error(undefined)
    await started.tool.idle()
    expect(calls.map(({ context }) => context.signal.aborted)).toEqual([true, true, true])
    for (const call of calls) call.fail()
    expect(await started.run).toMatchObject({
      status: 'cancelled',
      reason: { code: 'DISCONNECTED' },
      cancelledCount: 3,
      delivery: 'cancelled',
    })
    expect(started.clock.timerCount).toBe(0)
  })

  test('before the start, under onSinkClosed "cancel", cancels what it can', async () => {
    const { readable, writable } = new TransformStream<SSEEvent, SSEEvent>()
    await readable.cancel()
    const started = start(fan(3), writable, { onSinkClosed: 'cancel' })
    await started.tool.succeedAll()
    await started.clock.run(2000)
    expect(await started.run).toMatchObject({
      status: 'cancelled',
      reason: { code: 'DISCONNECTED' },
      delivery: 'cancelled',
    })
  })

  test('after the end cancels nothing', async () => {
    const sink = new FakeSink({ isHeld: true })
    const started = start(fan(3), sink.stream, { onSinkClosed: 'cancel' })
    await started.tool.succeedAll()
    sink.error(undefined)
    await started.clock.run(2000)
    expect(await started.run).toMatchObject({ ...DONE, delivery: 'cancelled' })
  })
})

describe('a slow sink', () => {
  test('holds new starts at the bound, and stalls nothing for longer than the stall time', async () => {
    const sink = new FakeSink({ isHeld: true })
    const buffer = { maxEvents: 10, stallTimeoutMs: 5000 }
    const { tool, clock, run } = start(fan(40), sink.stream, { maxConcurrency: 1, buffer })
    await tool.succeedAll()
    const startedAtBound = tool.started.length
    expect([startedAtBound >= 5, startedAtBound <= 6]).toEqual([true, true])
    await clock.run(4999)
    await tool.succeedAll()
    expect(tool.started.length).toBe(startedAtBound)
    await clock.run(1)
    await tool.succeedAll()
    expect(await run).toMatchObject({ status: 'success', successCount: 40, delivery: 'overflowed' })
    expect(clock.timerCount).toBe(0)
    sink.release()
    await idle()
    expect(sink.abortReason).toEqual({ reason: expect.objectContaining({ code: 'READER_STALLED' }) })
  })

  test('that takes one event in each stall time gets all', async () => {
    const sink = new FakeSink({ isHeld: true })
    const buffer = { maxEvents: 10, stallTimeoutMs: 5000 }
    const { tool, clock, state, run } = start(fan(20), sink.stream, { maxConcurrency: 1, buffer, flushMs: 1_000_000 })
    for (let i = 0; i < 60 && state.settled === undefined; i++) {
      await tool.succeedAll()
      await clock.run(4000)
      sink.take()
    }
    expect(await run).toMatchObject({ status: 'success', delivery: 'complete' })
    expect([sink.events.length, clock.timerCount]).toEqual([42, 0])
  })

  test('of instant tasks makes none of them slower', async () => {
    const sink = new FakeSink({ isHeld: true })
    const { tool, run, clock } = start(fan(10), sink.stream)
    await tool.succeedAll()
    await clock.run(2000)
    expect(await run).toMatchObject({ successCount: 10, executionTimeMs: 0, delivery: 'failed' })
  })

  test('under "disconnect" counts as gone at the bound', async () => {
    const sink = new FakeSink({ isHeld: true })
    const { tool, run, clock } = start(fan(40), sink.stream, { buffer: { maxEvents: 10, policy: 'disconnect' } })
    await tool.succeedAll()
    expect(await run).toMatchObject({ successCount: 40, delivery: 'overflowed' })
    expect(clock.timerCount).toBe(0)
  })
})

describe('after the end', () => {
  test('the sink has flushMs to take what is left', async () => {
    const sink = new FakeSink({ isHeld: true })
    const { tool, clock, run, state } = start(fan(3), sink.stream, { flushMs: 300 })
    await tool.succeedAll()
    await clock.run(299)
    expect(state.settled).toBeUndefined()
    sink.release()
    expect((await run).delivery).toBe('complete')
    expect([sink.events.length, sink.isClosed, clock.timerCount]).toEqual([8, true, 0])
  })

  test('and no longer', async () => {
    const sink = new FakeSink({ isHeld: true })
    const { tool, clock, run, state } = start(fan(3), sink.stream, { flushMs: 300 })
    await tool.succeedAll()
    await clock.run(299)
    expect(state.settled).toBeUndefined()
    await clock.run(1)
    expect(await run).toMatchObject({ ...DONE, delivery: 'failed' })
    sink.release()
    await idle()
    expect([sink.isClosed, sink.abortReason !== undefined, sink.events.length]).toEqual([false, true, 1])
  })

  test('with flushMs 0 a sink that has taken all is complete', async () => {
    const sink = new FakeSink()
    const { tool, clock, run } = start(fan(3), sink.stream, { flushMs: 0 })
    await tool.succeedAll()
    await clock.run(0)
    expect((await run).status).toBe('success')
    expect(clock.timerCount).toBe(0)
  })
})

describe('preventClose', () => {
  test('leaves the sink open and unlocked, for the next', async () => {
    const sink = new FakeSink()
    for (let i = 1; i <= 3; i++) {
      const started = start(fan(3), sink.stream, { preventClose: true })
      expect(sink.stream.locked).toBe(true)
      await started.tool.succeedAll()
      expect((await started.run).delivery).toBe('complete')
      expect([sink.stream.locked, sink.isClosed, sink.events.length]).toEqual([false, false, 8 * i])
    }
    const writer = sink.stream.getWriter()
    await writer.close()
    expect(sink.isClosed).toBe(true)
  })

  test('releases a sink that did not take all in time', async () => {
    const sink = new FakeSink({ isHeld: true })
    const started = start(fan(3), sink.stream, { preventClose: true })
    expect((await finish(started)).delivery).toBe('failed')
    expect(sink.stream.locked).toBe(false)
    sink.release()
    await idle()
    expect([sink.events.length, sink.isClosed, sink.abortReason]).toEqual([1, false, undefined])
  })
})

test('a locked sink is refused, and nothing starts', async () => {
  const sink = new FakeSink()
  const writer = sink.stream.getWriter()
  const { tool, run, clock } = start(fan(3), sink.stream)
  await expect(run).rejects.toMatchObject({ code: 'STREAM_LOCKED' })
  await idle()
  expect([tool.started, clock.timerCount, sink.events]).toEqual([[], 0, []])
  writer.releaseLock()
})

test('when nothing starts the sink is left as it is, unlocked', async () => {
  const sink = new FakeSink()
  const wrong: [code: string, workflow: DAGStructure, options: SinkOptions][] = [
    ['INVALID_WORKFLOW', { tasks: [{ id: 'a', tool: 'none' }] }, {}],
    ['INVALID_WORKFLOW', fan(1, { arguments: { a: '$INPUT.b' } }), { input: {} }],
    ['INVALID_OPTION', fan(1), { flushMs: -1 }],
    ['INVALID_OPTION', fan(1), { buffer: { maxBytes: 0 } }],
    ['INVALID_OPTION', fan(1), { onSinkClosed: 'stop' as 'cancel' }],
    ['INVALID_OPTION', fan(1), { input: () => {} }],
    ['INVALID_OPTION', fan(1), { maxConcurrency: -1 }],
  ]
  for (const [code, workflow, options] of wrong) {
    const { run, clock, tool } = start(workflow, sink.stream, options)
    await expect(run).rejects.toMatchObject({ code })
    expect([sink.stream.locked, clock.timerCount, tool.started]).toEqual([false, 0, []])
  }
  expect([sink.events, sink.isClosed, sink.abortReason]).toEqual([[], false, undefined])
})

test('events go through a TransformStream to its reader, who sees the end', async () => {
  const names = new TransformStream<SSEEvent, string>({
    transform: (event, controller) => controller.enqueue(event.type),
  })
  const { tool, run } = start(fan(2), names.writable)
  const read: string[] = []
  const reading = (async () => {
    for await (const name of names.readable) read.push(name)
  })()
  await tool.succeedAll()
  expect((await run).delivery).toBe('complete')
  await reading
  const expected = [
    'execution_start',
    'task_start',
    'task_start',
    'task_complete',
    'task_complete',
    'execution_complete',
  ]
  expect(read).toEqual(expected)
})

test('a sink that changes its events changes nobody else’s', async () => {
  const stream = new WritableStream<SSEEvent>({
    write(event) {
      const data = event.data as unknown as Record<string, unknown>
      ;(data['output'] as number[] | undefined)?.push(99)
      for (const key of Object.keys(data)) delete data[key]
    },
  })
  const { tool, run } = start(
    {
      tasks: [
        { id: 'a', tool: 'work' },
        { id: 'b', tool: 'work', arguments: { got: '$OUTPUT[a]' } },
      ],
    },
    stream,
  )
  const output = [1]
  ;(await tool.nextCall('a')).succeed(output)
  const b = await tool.nextCall('b')
  expect(b.args).toEqual({ got: [1] })
  b.succeed()
  const result = await run
  expect([result.results.map(({ output }) => output), output]).toEqual([[[1], null], [1]])
})
