import { expect, onTestFinished, test, vi } from 'vitest'
import { LogEntry, NOT_LOGGED } from '../../../src/events/log-entry.ts'
import { createHandler } from '../../../src/http/index.ts'
import { type FrameBounds, FrameCache, type FrameReader } from '../../../src/http/routes/frame-cache.ts'
import type { ToolContext } from '../../../src/index.ts'
import type { EventLog, LogStorage } from '../../../src/log/event-log.ts'
import { joinEntries } from '../../../src/sse/response-body.ts'
import { appendEnd, appendTokens, openLog, TIMESTAMP } from '../../log/log-rig.ts'

/** A storage that encodes nothing. */
const NO_STORAGE: Pick<LogStorage, 'append' | 'read'> = { append() {}, read: () => [] }

function createCache(bounds: Partial<FrameBounds> = {}): FrameCache {
  return new FrameCache({ maxRunningBytes: 1e7, maxSoleReaderBytes: 1e7, maxBytes: 1e7, ...bounds })
}

/** Counts how often an entry is encoded from now on. */
function countEncodings(): { count: number } {
  const counted = { count: 0 }
  const prototype = Object.getPrototypeOf(finished(1).readTail(0, 1)?.[0]) as LogEntry
  const { get } = Object.getOwnPropertyDescriptor(prototype, 'json') as { get: () => string }
  const spy = vi.spyOn(prototype, 'json', 'get').mockImplementation(function (this: LogEntry) {
    counted.count += 1
    return get.call(this)
  })
  onTestFinished(() => spy.mockRestore())
  return counted
}

/** A finished log of `count` tokens. */
function finished(count: number): EventLog {
  const log = openLog({ ...NO_STORAGE })
  void appendTokens(log, count)
  void appendEnd(log)
  return log
}

/** A reader of a log from its first entry on. */
function openReader(cache: FrameCache, log: EventLog): { read: () => Buffer; reader: FrameReader } {
  const cursor = log.open(0)
  const reader = cache.read(log, cursor)
  const read = (): Buffer => {
    const chunks: Uint8Array[] = []
    while (cursor.position < log.head)
      chunks.push(reader.take() ?? reader.encode(cursor.take(1000) as readonly LogEntry[]))
    return Buffer.concat(chunks)
  }
  return { read, reader }
}

/** What somebody who comes, reads all and leaves gets. */
function replay(cache: FrameCache, log: EventLog): Buffer {
  const { read, reader } = openReader(cache, log)
  const bytes = read()
  reader.close()
  return bytes
}

/** All frames of a log. */
function framesOf(log: EventLog): Buffer {
  return Buffer.from(joinEntries(log.readTail(0, Number.POSITIVE_INFINITY) as LogEntry[]))
}

/** Whether the frames after a place are kept. */
function isKept(cache: FrameCache, log: EventLog, after = 0): boolean {
  const reader = cache.read(log, log.open(after))
  const frames = reader.take()
  reader.close()
  return frames !== undefined
}

test('each entry is encoded once, for live readers and for those who come later', () => {
  const cache = createCache()
  const log = openLog({ ...NO_STORAGE })
  const [first, second] = [openReader(cache, log), openReader(cache, log)]
  const counted = countEncodings()
  for (let turn = 1; turn <= 10; turn++) {
    void appendTokens(log, 7)
    const bytes = first.read()
    expect(second.read()).toEqual(bytes)
    expect(counted.count).toBe(7 * turn)
  }
  const replayed = replay(cache, log)
  expect(counted.count).toBe(70)
  expect(replayed).toEqual(framesOf(log))
})

test('beyond the bound of a running log its oldest frames go', () => {
  const cache = createCache({ maxRunningBytes: 200_000 })
  const log = openLog({ ...NO_STORAGE })
  const readers = [openReader(cache, log), openReader(cache, log)]
  for (let turn = 0; turn < 200; turn++) {
    void appendTokens(log, 10)
    for (const { read } of readers) read()
  }
  expect(cache.bytes).toBeLessThanOrEqual(200_000)
  expect([isKept(cache, log), isKept(cache, log, 1990)]).toEqual([false, true])
})

test('of a finished log the frames of an earlier place replace those of a later one, and not the other way round', () => {
  const cache = createCache()
  const log = finished(1000)
  const readFrom = (after: number): void => {
    const cursor = log.open(after)
    cache.read(log, cursor).encode(cursor.take(1000) as readonly LogEntry[])
  }
  readFrom(500)
  expect([isKept(cache, log, 500), isKept(cache, log)]).toEqual([true, false])
  readFrom(0)
  expect([isKept(cache, log, 500), isKept(cache, log)]).toEqual([false, true])
  readFrom(500)
  expect([isKept(cache, log, 500), isKept(cache, log)]).toEqual([false, true])
})

test('neither a snapshot nor an event that is not logged is kept', () => {
  const cache = createCache()
  const log = finished(10)
  const reader = cache.read(log, log.open(0))
  const data = { executionId: 'x', timestamp: TIMESTAMP }
  const counts = { totalTasks: 0, successCount: 0, errorCount: 0, skippedCount: 0, cancelledCount: 0 }
  const unlogged: readonly LogEntry[] = [
    new LogEntry(NOT_LOGGED, 'error', { ...data, error: 'no', code: 'X' }),
    new LogEntry(1, 'snapshot', { ...data, seq: 1, status: 'running', tasks: [], counts }),
  ]
  for (const entry of unlogged) {
    expect(reader.encode([entry])).toEqual(joinEntries([entry]))
  }
  expect([cache.bytes, isKept(cache, log)]).toEqual([0, false])
})

test('beyond the bound of all, the frames of the log that was read least recently go', () => {
  const [a, b, c] = [finished(200), finished(200), finished(200)]
  const unbounded = createCache()
  replay(unbounded, a)
  const cache = createCache({ maxBytes: unbounded.bytes * 2.5 })
  for (const log of [a, b, a, c]) replay(cache, log)
  expect([a, b, c].map(log => isKept(cache, log))).toEqual([true, false, true])
  expect(replay(cache, b)).toEqual(framesOf(b))
  expect([a, b, c].map(log => isKept(cache, log))).toEqual([false, true, true])
})

test('the frames of a deleted execution are dropped', () => {
  const cache = createCache()
  const log = finished(200)
  replay(cache, log)
  cache.forget('y')
  expect([isKept(cache, log), cache.bytes > 0]).toEqual([true, true])
  cache.forget('x')
  expect([isKept(cache, log), cache.bytes]).toEqual([false, 0])
  expect(replay(cache, log)).toEqual(framesOf(log))
})

test('a log larger than every bound is read whole, and not kept', () => {
  const cache = createCache({ maxRunningBytes: 100, maxBytes: 100 })
  const log = finished(50)
  expect(replay(cache, log)).toEqual(framesOf(log))
  expect(cache.bytes).toBe(0)
})

test('ahead of its readers a log is encoded in parts, until it ends', () => {
  const cache = createCache()
  const log = openLog({ ...NO_STORAGE })
  cache.encodeAhead(log)
  void appendTokens(log, 10)
  expect(cache.bytes).toBe(0)
  for (let turn = 0; turn < 100; turn++) void appendTokens(log, 10)
  void appendEnd(log)
  expect(log.cursorCount).toBe(0)
  const counted = countEncodings()
  const replayed = replay(cache, log)
  // Less than a part is left to the first reader.
  expect(counted.count).toBeLessThan(200)
  expect(replayed).toEqual(framesOf(log))
})

test('a log with a reader is not encoded ahead', () => {
  const cache = createCache()
  const log = openLog({ ...NO_STORAGE })
  cache.encodeAhead(log)
  cache.read(log, log.open(0))
  void appendTokens(log, 1000)
  expect([log.cursorCount, cache.bytes]).toEqual([1, 0])
})

test('of a running log with one reader the first frames are kept, at its end all', () => {
  const cache = createCache({ maxSoleReaderBytes: 50_000 })
  const log = openLog({ ...NO_STORAGE })
  const { read, reader } = openReader(cache, log)
  const turn = (): void => {
    void appendTokens(log, 100)
    read()
  }
  for (let at = 0; at < 10; at++) turn()
  const { bytes } = cache
  expect([bytes >= 50_000, bytes < 120_000, isKept(cache, log)]).toEqual([true, true, true])
  turn()
  expect(cache.bytes).toBe(bytes)
  void appendEnd(log)
  read()
  reader.close()
  expect(replay(cache, log)).toEqual(framesOf(log))
  const counted = countEncodings()
  replay(cache, log)
  expect([counted.count, cache.bytes > 2 * bytes]).toEqual([0, true])
})

test('once a running log has a second reader, its frames are kept', () => {
  const cache = createCache({ maxSoleReaderBytes: 0 })
  const log = openLog({ ...NO_STORAGE })
  const first = openReader(cache, log)
  void appendTokens(log, 10)
  first.read()
  expect(isKept(cache, log)).toBe(false)
  const second = openReader(cache, log)
  second.read()
  void appendTokens(log, 10)
  first.read()
  expect(isKept(cache, log, 10)).toBe(true)
})

test('a log is encoded ahead within its bound: its first frames stay', () => {
  const cache = createCache({ maxRunningBytes: 300_000 })
  const log = openLog({ ...NO_STORAGE })
  cache.encodeAhead(log)
  for (let turn = 0; turn < 40; turn++) void appendTokens(log, turn === 3 ? 10_000 : 10)
  expect([log.cursorCount, isKept(cache, log)]).toEqual([0, true])
  expect(cache.bytes).toBeGreaterThan(100_000)
  expect(cache.bytes).toBeLessThanOrEqual(300_000)
})

test('the first replay of an execution without readers gets frames that are encoded already', async () => {
  const count = 2000
  const emit = async (_: unknown, { log }: ToolContext): Promise<void> => {
    for (let told = 0; told < count; told++) {
      log('info', 'Read page 12 of 40')
      if (told % 100 === 0) await new Promise(resolve => setImmediate(resolve))
    }
  }
  const handler = createHandler({ tools: { emit } })
  const body = JSON.stringify({ tasks: [{ id: 'a', tool: 'emit' }] })
  const headers = { 'content-type': 'application/json' }
  const posted = await handler.fetch(new Request('http://localhost/executions', { method: 'POST', body, headers }))
  await posted.text()
  const counted = countEncodings()
  const url = `http://localhost${posted.headers.get('location')}/events`
  const text = await (await handler.fetch(new Request(url))).text()
  expect(text.match(/^event: /gm)).toHaveLength(count + 4)
  expect(counted.count).toBeLessThan(200)
  await handler.close()
})
