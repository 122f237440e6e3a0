import { getEventListeners } from 'node:events'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type DAGStructure, EventLog, type SSEEvent, type StreamOptions, StreamingExecutor } from '../../src/index.ts'
import { FakeSink } from '../log/sinks.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { FakeClock } from '../support/fake-clock.ts'

const WORKFLOW: DAGStructure = {
  tasks: [
    { id: 'a', tool: 'work' },
    { id: 'b', tool: 'work', timeoutMs: 100 },
    { id: 'c', tool: 'work', dependsOn: ['a'], retry: { maxAttempts: 3 } },
    { id: 'd', tool: 'limited', dependsOn: ['b'] },
  ],
}

interface Running {
  readonly tool: ControlledTool
  readonly clock: FakeClock
  readonly controller: AbortController
  readonly cancel: () => void
}

/** What brings an execution to its end. */
const ENDINGS: readonly (readonly [string, StreamOptions, (running: Running) => Promise<void>])[] = [
  ['success', {}, async ({ tool }) => tool.succeedAll()],
  [
    'failures and retries',
    {},
    async ({ tool, clock }) => {
      for (let i = 0; i < 10; i++) {
        for (const call of tool.takeAll()) call.fail()
        await clock.run(10_000)
        await tool.idle()
      }
    },
  ],
  [
    'fail-fast',
    { onTaskError: 'fail-fast' },
    async ({ tool }) => {
      ;(await tool.nextCall('a')).fail()
      await tool.idle()
      await tool.succeedAll()
    },
  ],
  [
    'timeouts that tools ignore',
    {},
    async ({ tool, clock }) => {
      await tool.idle()
      await clock.run(100_000)
    },
  ],
  ['the execution’s timeout', { timeoutMs: 50 }, async ({ clock }) => clock.run(10_000)],
  [
    'a cancellation',
    {},
    async ({ tool, cancel }) => {
      await tool.idle()
      cancel()
      await tool.succeedAll()
    },
  ],
  [
    'its signal',
    {},
    async ({ tool, controller, clock }) => {
      await tool.idle()
      controller.abort()
      await clock.run(10_000)
    },
  ],
  [
    'its signal while a retry waits',
    {},
    async ({ tool, controller }) => {
      const [a, b] = await tool.nextCalls('a', 'b')
      a.succeed()
      b.succeed()
      ;(await tool.nextCall('c')).fail()
      await tool.idle()
      controller.abort()
      await tool.succeedAll()
    },
  ],
  [
    'its signal, aborted before',
    { signal: AbortSignal.abort() },
    async ({ tool }) => {
      await tool.succeedAll()
    },
  ],
]

function prepare(options: StreamOptions) {
  const clock = new FakeClock()
  const tool = new ControlledTool()
  const controller = new AbortController()
  const tools = { work: { execute: tool.execute }, limited: { limit: 1, execute: tool.execute } }
  const executor = new StreamingExecutor(tools, { clock, random: () => 0.5 })
  const signal = options.signal ?? controller.signal
  return { clock, tool, controller, executor, signal, options: { ...options, signal } }
}

describe('no timer and no listener is left after', () => {
  for (const [name, options, end] of ENDINGS) {
    test(`${name}, unread`, async () => {
      const { executor, clock, signal, options: given, ...rest } = prepare(options)
      const execution = executor.stream(WORKFLOW, given)
      await end({ ...rest, clock, cancel: () => execution.cancel() })
      const { totalTasks, successCount, errorCount, skippedCount, cancelledCount } = await execution.result
      expect(successCount + errorCount + skippedCount + cancelledCount).toBe(totalTasks)
      expect([clock.timerCount, getEventListeners(signal, 'abort').length]).toEqual([0, 0])
    })

    test(`${name}, with an iterator, one that left and one that never reads`, async () => {
      const { executor, clock, signal, options: given, ...rest } = prepare(options)
      const execution = executor.stream(WORKFLOW, { ...given, buffer: { maxEvents: 50 } })
      const read: SSEEvent[] = []
      const reading = (async () => {
        for await (const event of execution) read.push(event)
      })()
      const [left, idler] = [execution[Symbol.asyncIterator](), execution[Symbol.asyncIterator]()]
      await left.next()
      await left.return?.()
      await idler.next()
      await end({ ...rest, clock, cancel: () => execution.cancel() })
      await execution.result
      await reading
      expect(read.at(-1)?.type).toBe('execution_complete')
      expect([clock.timerCount, getEventListeners(signal, 'abort').length]).toEqual([0, 0])
    })

    test(`${name}, into a sink that takes all and one that never reads`, async () => {
      for (const isHeld of [false, true]) {
        const { executor, clock, signal, controller, options: given, ...rest } = prepare(options)
        const sink = new FakeSink({ isHeld })
        // A sink's execution is cancelled by its signal.
        const run = executor.executeWithStreaming(WORKFLOW, sink.stream, given)
        await end({ ...rest, controller, clock, cancel: () => controller.abort() })
        await clock.run(10_000)
        expect((await run).delivery).toBe(isHeld ? 'failed' : 'complete')
        expect([clock.timerCount, getEventListeners(signal, 'abort').length]).toEqual([0, 0])
      }
    })
  }
})

test('however many tasks wait, an execution has one listener on its signal', async () => {
  const { executor, tool, signal } = prepare({})
  const tasks = Array.from({ length: 200 }, (_, i) => ({ id: `t${i}`, tool: i % 2 === 0 ? 'work' : 'limited' }))
  const execution = executor.stream({ tasks }, { signal, maxConcurrency: 100 })
  await tool.idle()
  expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  await tool.succeedAll()
  await execution.result
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
})

test('the signal of an attempt has no listener of the engine', async () => {
  const { executor, tool } = prepare({})
  const execution = executor.stream(WORKFLOW)
  const a = await tool.nextCall('a')
  expect(getEventListeners(a.context.signal, 'abort')).toHaveLength(0)
  a.succeed()
  await tool.succeedAll()
  await execution.result
})

/** Counts the readers of every log that is opened from here on. */
function watchLogs(): () => number {
  const open = vi.spyOn(EventLog.prototype, 'open')
  onTestFinished(() => open.mockRestore())
  return () => {
    const logs = new Set(open.mock.contexts as EventLog[])
    return [...logs].reduce((sum, log) => sum + log.cursorCount, 0)
  }
}

describe('no reader is left in the log', () => {
  test('when it leaves', async () => {
    const countReaders = watchLogs()
    const { executor, tool } = prepare({})
    const execution = executor.stream(WORKFLOW)
    const sources = Array.from({ length: 20 }, () => execution.subscribe())
    const iterators = Array.from({ length: 20 }, () => execution[Symbol.asyncIterator]())
    for (const iterator of iterators) await iterator.next()
    expect(countReaders()).toBeGreaterThanOrEqual(40)
    for (const iterator of iterators) await iterator.return?.()
    for (const source of sources) source.close()
    for (const source of sources) source.close()
    expect(countReaders()).toBe(0)
    await tool.succeedAll()
    await execution.result
  })

  test('when it has read to the end', async () => {
    const countReaders = watchLogs()
    const { executor, tool } = prepare({})
    const execution = executor.stream(WORKFLOW)
    const reading = (async () => {
      for await (const _ of execution);
    })()
    await tool.succeedAll()
    await reading
    expect(countReaders()).toBe(0)
  })

  test('when it has stalled', async () => {
    const countReaders = watchLogs()
    const { executor, tool, clock } = prepare({})
    const execution = executor.stream(WORKFLOW, { buffer: { maxEvents: 1, stallTimeoutMs: 50 } })
    await execution[Symbol.asyncIterator]().next()
    await tool.idle()
    // It took something since its bound was reached, so that it has the stall time once more.
    await clock.run(100)
    await tool.succeedAll()
    await execution.result
    expect([countReaders(), clock.timerCount]).toEqual([0, 0])
  })

  test('when its sink took all, failed, left or never read', async () => {
    const countReaders = watchLogs()
    const sinks = [
      new FakeSink().stream,
      new FakeSink({ isHeld: true }).stream,
      new WritableStream({ write: () => Promise.reject(new Error('no')) }),
      new FakeSink({ close: () => Promise.reject(new Error('no')) }).stream,
    ]
    const left = new FakeSink()
    for (const sink of [...sinks, left.stream]) {
      const { executor, tool, clock } = prepare({})
      const run = executor.executeWithStreaming(WORKFLOW, sink)
      await tool.idle()
      if (sink === left.stream) left.error(undefined)
      await tool.succeedAll()
      await clock.run(2000)
      await run
      expect([countReaders(), clock.timerCount]).toEqual([0, 0])
    }
  })
})
