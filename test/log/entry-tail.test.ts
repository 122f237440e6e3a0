import { expect, test } from 'vitest'
import { JsonValue } from '../../src/events/json-value.ts'
import { LogEntry } from '../../src/events/log-entry.ts'
import { EntryTail } from '../../src/log/entry-tail.ts'
import { openLog, TIMESTAMP } from './log-rig.ts'

const COST = { attempts: 1, executionTimeMs: 1, waitMs: 0 }

function entry(seq: number): LogEntry {
  const data = { executionId: 'x', timestamp: TIMESTAMP, taskId: 'a', attempt: 1, text: 'x' }
  return new LogEntry(seq, 'token', data)
}

function push(tail: EntryTail, count: number): void {
  for (let i = 0; i < count; i++) tail.push(entry(tail.lastSeq + 1))
}

test('reserved entries are kept beyond the bounds, and evicted once the reservation ends', () => {
  const tail = new EntryTail({ maxTailEvents: 3, maxTailBytes: 1e6 })
  const release = tail.reserve({ maxTailEvents: 5, maxTailBytes: 0 })
  push(tail, 20)
  expect(tail.firstSeq).toBe(13)
  release()
  release()
  expect(tail.firstSeq).toBe(18)
})

test('of several that reserve, the one that may be furthest behind decides', () => {
  const tail = new EntryTail({ maxTailEvents: 3, maxTailBytes: 1e6 })
  const releases = [5, 2].map(maxTailEvents => tail.reserve({ maxTailEvents, maxTailBytes: 0 }))
  push(tail, 20)
  const first = [tail.firstSeq]
  for (const release of releases) {
    release()
    push(tail, 1)
    first.push(tail.firstSeq)
  }
  expect(first).toEqual([13, 17, 20])
})

test('bytes are reserved as events are', () => {
  const { weight } = entry(1)
  const tail = new EntryTail({ maxTailEvents: 100, maxTailBytes: weight * 3 })
  const release = tail.reserve({ maxTailEvents: 0, maxTailBytes: weight * 2 })
  push(tail, 20)
  expect([tail.firstSeq, tail.bytes]).toEqual([16, weight * 5])
  release()
  expect([tail.firstSeq, tail.bytes]).toEqual([18, weight * 3])
})

test('outputs, which the state keeps anyway, do not push other events out of a log', async () => {
  const log = openLog(undefined, { maxTailEvents: 100 })
  const about = { executionId: 'x', timestamp: TIMESTAMP, tool: 'work', status: 'success', ...COST } as const
  for (let i = 0; i < 4; i++) {
    const output = JsonValue.from('x'.repeat(8 * 1024 * 1024))
    await log.append([log.entry('task_complete', { ...about, taskId: `t${i}`, output })])
  }
  expect(log.readTail(0, Number.POSITIVE_INFINITY)?.map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
})

test.each([{ maxTailEvents: 0 }, { maxTailEvents: Number.NaN }, { maxTailBytes: -1 }, { maxTailBytes: '5' as never }])(
  'bounds that bound nothing are refused: %o',
  bounds => {
    const [option] = Object.keys(bounds)
    expect(() => new EntryTail(bounds)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', details: expect.objectContaining({ option }) }),
    )
  },
)

test('an entry weighs the same when it goes as when it came, even if it was read meanwhile', () => {
  const tail = new EntryTail(
    { maxTailEvents: 1, maxTailBytes: 1e6 },
    ({ weight, output }) => weight - (output?.weight ?? 0),
  )
  const about = {
    executionId: 'x',
    timestamp: TIMESTAMP,
    taskId: 'a',
    tool: 'work',
    status: 'success',
    ...COST,
  } as const
  for (let seq = 1; seq <= 1000; seq++) {
    // Its JSON is six times as long.
    const output = JsonValue.from('\u0001'.repeat(1000))
    const made = new LogEntry(seq, 'task_complete', { ...about, output })
    tail.push(made)
    expect(made.json.length).toBeGreaterThan(6000)
  }
  expect([tail.firstSeq, tail.bytes]).toEqual([1000, 384])
})
