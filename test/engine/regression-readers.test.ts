// Readers whose place the log must keep, and readers for whom it need not.
import { expect, test } from 'vitest'
import { BufferedEventStream, type SSEEvent, StreamingExecutor, type ToolContext } from '../../src/index.ts'
import { FakeSink } from '../log/sinks.ts'
import { FakeClock, idle } from '../support/fake-clock.ts'
import { readRest, readSome, start, wide } from './iterator-rig.ts'
import { start as startSink } from './sink-rig.ts'

const MIB = 1024 * 1024

/** Outputs that are larger together than what the log keeps, 16 MiB, and than what may wait for a reader, 8 MiB. */
const BURSTS: readonly (readonly [count: number, chars: number])[] = [
  [3, 9 * MIB],
  [64, 300 * 1024],
]

/** The lengths of the outputs that events carry. */
function outputLengths(events: readonly SSEEvent[]): number[] {
  return events.flatMap(({ type, data }) => (type === 'task_complete' ? [(data.output as string).length] : []))
}

function ids(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `x.${from + i}`)
}

test.each(BURSTS)(
  '%i outputs of %i characters that settle together reach a prompt iterator whole',
  async (n, chars) => {
    const { tool, execution } = start(wide(n))
    const reading = readRest(execution[Symbol.asyncIterator]())
    await tool.idle()
    for (const call of tool.takeAll()) call.succeed('x'.repeat(chars))
    const events = await reading
    expect([events.map(({ id }) => id), outputLengths(events)]).toEqual([ids(1, 2 * n + 2), Array(n).fill(chars)])
  },
)

test.each(BURSTS)('%i outputs of %i characters that settle together reach a prompt sink whole', async (n, chars) => {
  const sink = new FakeSink()
  const { tool, run } = startSink({ tasks: wide(n).tasks.map(({ id }) => ({ id, tool: 'work' })) }, sink.stream)
  await tool.idle()
  for (const call of tool.takeAll()) call.succeed('x'.repeat(chars))
  expect((await run).delivery).toBe('complete')
  expect([sink.events.map(({ id }) => id), outputLengths(sink.events)]).toEqual([
    ids(1, 2 * n + 2),
    Array(n).fill(chars),
  ])
})

/** Logs `count` lines of `size` characters, some in each turn of the event loop. */
function flood(count: number, size: number) {
  return async (_: unknown, { log }: ToolContext): Promise<void> => {
    for (let i = 1; i <= count; i++) {
      log('info', 'x'.repeat(size))
      if (i % 500 === 0) await idle()
    }
  }
}

test('a buffer larger than the tail of the log is honoured: all waiting events are available', async () => {
  const count = 60_000
  const executor = new StreamingExecutor({ flood: flood(count, 1), last: () => 1 }, { createId: () => 'x' })
  const tasks = [
    { id: 'a', tool: 'flood' },
    { id: 'b', tool: 'last', dependsOn: ['a'] },
  ]
  const execution = executor.stream({ tasks }, { buffer: { maxEvents: 100_000, maxBytes: Number.POSITIVE_INFINITY } })
  const iterator = execution[Symbol.asyncIterator]()
  const first = await readSome(iterator, 1)
  // Below its bound, so `b` is not held back.
  expect((await execution.result).successCount).toBe(2)
  const rest = await readRest(iterator)
  expect([...first, ...rest].map(({ id }) => id)).toEqual(ids(1, count + 6))
})

test('the second iterator slows nothing, however far behind, and misses nothing that is kept', async () => {
  const { tool, execution, warnings, clock } = start(wide(100), { maxConcurrency: 1, buffer: { maxEvents: 4 } })
  const second = execution[Symbol.asyncIterator]()
  const first = execution[Symbol.asyncIterator]()
  // Who calls `next()` first is first, not who was made first.
  const all = readRest(first)
  const early = await readSome(second, 1)
  await tool.succeedAll()
  expect([(await execution.result).successCount, (await all).length, warnings, clock.timerCount]).toEqual([
    100,
    202,
    [],
    0,
  ])
  expect([...early, ...(await readRest(second))]).toEqual(await all)
})

test('the first iterator holds, also while a second one is prompt', async () => {
  const { tool, execution, warnings } = start(wide(100), { maxConcurrency: 1, buffer: { maxEvents: 10 } })
  const first = execution[Symbol.asyncIterator]()
  const read = await readSome(first, 1)
  const all = readRest(execution[Symbol.asyncIterator]())
  await tool.succeedAll()
  expect([tool.started.length < 10, warnings.length]).toEqual([true, 1])
  const rest = readRest(first)
  await tool.succeedAll()
  expect([...read, ...(await rest)]).toEqual(await all)
})

test('if its position is trimmed, the second iterator continues from a snapshot without an error', async () => {
  // 24 MiB, where 16 are kept, and 1 more for the first iterator.
  const executor = new StreamingExecutor({ flood: flood(24 * 128, 8192) }, { createId: () => 'x' })
  const tasks = [{ id: 'a', tool: 'flood' }]
  const execution = executor.stream({ tasks }, { buffer: { maxBytes: MIB } })
  const first = execution[Symbol.asyncIterator]()
  const second = execution[Symbol.asyncIterator]()
  const early = await readSome(first, 1)
  await readSome(second, 1)
  const all = [...early, ...(await readRest(first))]
  const behind = await readRest(second)
  expect(all.map(({ id }) => id)).toEqual(ids(1, 24 * 128 + 4))
  expect(behind.filter(({ type }) => type === 'snapshot')).toMatchObject([{ data: { status: 'running' } }])
  // However far behind, every reader sees the end.
  expect(behind.at(-1)).toEqual(all.at(-1))
  expect(behind.at(-1)?.type).toBe('execution_complete')
})

test('under "disconnect" a reader that takes one event in each turn is gone one turn after its bound', async () => {
  const { tool, execution } = start(wide(40), { buffer: { maxEvents: 10, policy: 'disconnect' } })
  const iterator = execution[Symbol.asyncIterator]()
  await readSome(iterator, 1)
  // Forty starts wait for it by now.
  const outcomes: string[] = []
  for (let turn = 0; turn < 5; turn++) {
    const next = iterator.next()
    outcomes.push(
      await next.then(
        ({ value }) => value?.type ?? 'end',
        (error: { code: string }) => error.code,
      ),
    )
    await new Promise(resolve => setImmediate(resolve))
  }
  expect(outcomes).toEqual(['task_start', 'READER_OVERFLOWED', 'end', 'end', 'end'])
  await tool.succeedAll()
  expect((await execution.result).successCount).toBe(40)
})

test('a sink that is a `BufferedEventStream` whose reader stalls is reported as overflowed', async () => {
  const behind = new FakeSink({ isHeld: true })
  const clock = new FakeClock()
  const sink = new BufferedEventStream(behind.stream, { clock, maxEvents: 2, stallTimeoutMs: 1000 })
  const { tool, run } = startSink({ tasks: wide(20).tasks.map(({ id }) => ({ id, tool: 'work' })) }, sink)
  await tool.succeedAll()
  await clock.run(1000)
  await tool.succeedAll()
  // An abort comes after the write that is under way.
  behind.release()
  await tool.idle()
  expect([await run, behind.abortReason?.reason, clock.timerCount]).toMatchObject([
    { delivery: 'overflowed', successCount: 20 },
    { code: 'READER_STALLED' },
    0,
  ])
})
