import { expect, test } from 'vitest'
import { DagstreamError } from '../../src/errors.ts'
import { LogEntry } from '../../src/events/log-entry.ts'
import { encodeEntry } from '../../src/sse/encode.ts'
import type { Format } from '../../src/sse/formats.ts'
import { createEventBody, type EventBodyOptions } from '../../src/sse/response-body.ts'
import type { EntrySource } from '../../src/stream/entry-source.ts'
import { FakeClock, idle } from '../support/fake-clock.ts'

const timestamp = '2026-01-01T00:00:00.000Z'
const COMMENT = ':\n\n'

function entry(seq: number): LogEntry {
  const data = { executionId: 'x', timestamp, taskId: 'a', attempt: 1, text: 'x' }
  return new LogEntry(seq, 'token', data)
}

function entries(from: number, to: number): LogEntry[] {
  return Array.from({ length: to - from + 1 }, (_, index) => entry(from + index))
}

function frames(from: number, to: number): string {
  return entries(from, to).map(encodeEntry).join('')
}

/** A source that the test fills, and that counts what is done to it. */
class ControlledSource implements EntrySource {
  taken = 0
  closed = 0
  callback: (() => void) | undefined
  done = false
  /** What the next `take` does instead. */
  next: (() => Promise<readonly LogEntry[]>) | undefined
  readonly #pending: LogEntry[] = []

  push(...added: LogEntry[]): void {
    this.#pending.push(...added)
    this.#tell()
  }

  end(): void {
    this.done = true
    this.#tell()
  }

  take(maxBytes: number): readonly LogEntry[] | Promise<readonly LogEntry[]> {
    this.taken += 1
    const { next } = this
    this.next = undefined
    if (next) return next()
    let bytes = 0
    let count = 0
    for (const { weight } of this.#pending) {
      if (count > 0 && bytes + weight > maxBytes) break
      bytes += weight
      count += 1
    }
    return this.#pending.splice(0, count)
  }

  onReadable(callback: (() => void) | undefined): void {
    this.callback = callback
  }

  close(): void {
    this.closed += 1
  }

  #tell(): void {
    const { callback } = this
    this.callback = undefined
    callback?.()
  }
}

/** What a store will answer, when the test says so. */
function deferred(): {
  readonly promise: Promise<readonly LogEntry[]>
  readonly resolve: (entries: readonly LogEntry[]) => void
  readonly reject: (error: unknown) => void
} {
  let resolve!: (entries: readonly LogEntry[]) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<readonly LogEntry[]>((...settle) => ([resolve, reject] = settle))
  return { promise, resolve, reject }
}

interface Rig {
  readonly source: ControlledSource
  readonly clock: FakeClock
  readonly reader: ReadableStreamDefaultReader<Uint8Array>
  /** The next chunk's text; `undefined` at the end. */
  readonly read: () => Promise<string | undefined>
}

function rig(options: Partial<EventBodyOptions> = {}): Rig {
  const source = new ControlledSource()
  const clock = new FakeClock()
  const reader = createEventBody(source, { executionId: 'x', clock, ...options }).getReader()
  const read = async (): Promise<string | undefined> => {
    const { done, value } = await reader.read()
    return done ? undefined : new TextDecoder().decode(value)
  }
  return { source, clock, reader, read }
}

/** A rig whose first comment has been read already. */
async function startedRig(options?: Partial<EventBodyOptions>): Promise<Rig> {
  const started = rig(options)
  expect(await started.read()).toBe(COMMENT)
  return started
}

test('the first bytes are there at once, and nothing is taken before the reader asks for more', async () => {
  const { source, read } = rig()
  source.push(entry(1))
  await idle()
  expect(await read()).toBe(COMMENT)
  await idle()
  expect(source.taken).toBe(0)
  expect(await read()).toBe(frames(1, 1))
  await idle()
  expect(source.taken).toBe(1)
})

test('what is pending is one chunk', async () => {
  const { source, read } = await startedRig()
  source.push(...entries(1, 50))
  expect(await read()).toBe(frames(1, 50))
  source.push(...entries(51, 60))
  source.end()
  expect([await read(), await read()]).toEqual([frames(51, 60), undefined])
})

test('a chunk holds about as much as it may', async () => {
  const { source, read } = await startedRig({ maxChunkBytes: entry(1).weight * 3 })
  source.push(...entries(1, 7))
  source.end()
  expect([await read(), await read(), await read(), await read()]).toEqual([
    frames(1, 3),
    frames(4, 6),
    frames(7, 7),
    undefined,
  ])
})

test('a reader that waits gets an entry as soon as there is one, and the end as soon as it comes', async () => {
  const { source, clock, read } = await startedRig()
  const first = read()
  await idle()
  source.push(entry(1))
  expect(await first).toBe(frames(1, 1))
  const end = read()
  await idle()
  source.end()
  expect(await end).toBeUndefined()
  expect({ closed: source.closed, callback: source.callback, timers: clock.timerCount }).toEqual({
    closed: 1,
    callback: undefined,
    timers: 0,
  })
})

test('a source that has ended before it is read is an empty stream', async () => {
  const { source, read } = await startedRig()
  source.end()
  expect(await read()).toBeUndefined()
})

test('a comment follows after each heartbeat time of silence', async () => {
  const { source, clock, read } = await startedRig()
  for (let beat = 0; beat < 3; beat++) {
    let chunk: string | undefined
    const reading = read().then(text => (chunk = text))
    await clock.run(7999)
    expect(chunk).toBeUndefined()
    await clock.run(1)
    await reading
    expect(chunk).toBe(COMMENT)
  }
  source.push(entry(1))
  expect(await read()).toBe(frames(1, 1))
  // The stall time: the reader has not asked again.
  expect(clock.timerCount).toBe(1)
})

test('a call back without anything new does not put off the heartbeat', async () => {
  const { source, clock, read } = await startedRig({ heartbeatMs: 100 })
  const reading = read()
  await clock.run(60)
  source.push()
  await clock.run(39)
  expect(clock.nextTimerMs).toBe(1)
  clock.advance(1)
  expect(await reading).toBe(COMMENT)
})

test('entries from a store are waited for, with heartbeats meanwhile', async () => {
  const { source, clock, read } = await startedRig()
  const { promise, resolve } = deferred()
  source.next = () => promise
  const beat = read()
  await clock.run(8000)
  expect(await beat).toBe(COMMENT)
  const reading = read()
  resolve(entries(1, 3))
  expect(await reading).toBe(frames(1, 3))
  expect(source.taken).toBe(1)
})

test('what happens while a store is asked is not missed, though the store had nothing', async () => {
  const { source, read } = await startedRig()
  const { promise, resolve } = deferred()
  source.next = () => promise
  const reading = read()
  await idle()
  source.push(entry(1))
  await idle()
  resolve([])
  expect(await reading).toBe(frames(1, 1))
})

test('a store that had nothing is not asked again until the source calls back', async () => {
  const { source, read } = await startedRig()
  source.next = () => Promise.resolve([])
  const reading = read()
  await idle()
  expect(source.taken).toBe(1)
  source.push(entry(1))
  expect(await reading).toBe(frames(1, 1))
})

test('a cancel releases the source and ends the read that waits', async () => {
  let cancelled = 0
  const { source, clock, reader, read } = await startedRig({ onCancel: () => (cancelled += 1) })
  const reading = read()
  await idle()
  expect(clock.timerCount).toBe(1)
  await reader.cancel()
  expect(await reading).toBeUndefined()
  await idle()
  expect({ closed: source.closed, callback: source.callback, timers: clock.timerCount, cancelled }).toEqual({
    closed: 1,
    callback: undefined,
    timers: 0,
    cancelled: 1,
  })
})

test('a reader may leave in the very turn in which its entries come', async () => {
  const errors: unknown[] = []
  const { source, reader, read } = await startedRig({ onError: error => errors.push(error) })
  const reading = read()
  await idle()
  source.push(entry(1))
  await reader.cancel()
  expect(await reading).toBeUndefined()
  await idle()
  expect({ closed: source.closed, errors }).toEqual({ closed: 1, errors: [] })
})

test('a store that fails after the reader has left bothers nobody', async () => {
  const errors: unknown[] = []
  const { source, reader, read } = await startedRig({ onError: error => errors.push(error) })
  const { promise, reject } = deferred()
  source.next = () => promise
  const reading = read()
  await idle()
  await reader.cancel()
  reject(new Error('too late'))
  expect(await reading).toBeUndefined()
  await idle()
  expect(errors).toEqual([])
})

test.each([
  [
    'throws',
    () => {
      throw new Error('secret')
    },
    'INTERNAL_ERROR',
  ],
  ['rejects', () => Promise.reject(new Error('secret')), 'INTERNAL_ERROR'],
  [
    'rejects with an error of dagstream',
    () => Promise.reject(new DagstreamError('STORE_FAILED', 'secret')),
    'STORE_FAILED',
  ],
] as const)('a source that %s ends the stream with an error event that keeps the text', async (_, next, code) => {
  const errors: unknown[] = []
  const { source, clock, read } = await startedRig({ onError: error => errors.push(error) })
  source.next = next
  const error = 'The event stream could not go on; resume it from the last event id'
  expect([await read(), await read()]).toEqual([
    `event: error\ndata: ${JSON.stringify({ executionId: 'x', timestamp, error, code })}\n\n`,
    undefined,
  ])
  expect(errors).toEqual([expect.objectContaining({ message: 'secret' })])
  expect({ closed: source.closed, timers: clock.timerCount }).toEqual({ closed: 1, timers: 0 })
})

const withoutTheSecond: Format = ({ id }) => (id === 'x.2' ? '' : `data: ${id?.slice(2)}\n\n`)

test('another format makes the frames, and an entry it has none for makes no chunk', async () => {
  const { source, read } = await startedRig({ format: withoutTheSecond })
  source.push(entry(1), entry(2), entry(3))
  expect(await read()).toBe('data: 1\n\ndata: 3\n\n')
  source.push(entry(2))
  const reading = read()
  await idle()
  source.push(entry(4))
  expect(await reading).toBe('data: 4\n\n')
})
