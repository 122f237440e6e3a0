import { expect, test } from 'vitest'
import type { LogEntry } from '../../src/events/log-entry.ts'
import type { EntrySource } from '../../src/log/entry-source.ts'
import { ProtocolChunks } from '../../src/protocols/protocol-chunks.ts'
import type { ProtocolEncoder } from '../../src/protocols/protocol-encoder.ts'
import { createBodyStream } from '../../src/sse/body-stream.ts'
import { PullBody } from '../../src/sse/pull-body.ts'
import { FakeClock } from '../support/fake-clock.ts'

interface Source extends EntrySource {
  readonly push: (...weights: number[]) => void
  readonly end: () => void
  isClosed: boolean
}

/** A source of entries that have a weight and nothing else. */
function createSource(): Source {
  let entries: LogEntry[] = []
  let isEnded = false
  let callback: (() => void) | undefined
  const wake = (): void => {
    const woken = callback
    callback = undefined
    woken?.()
  }
  const source: Source = {
    isClosed: false,
    take: maxBytes => {
      let bytes = 0
      const count = entries.findIndex(({ weight }) => (bytes += weight) >= maxBytes)
      return entries.splice(0, count < 0 ? entries.length : count + 1)
    },
    get done() {
      return isEnded && entries.length === 0
    },
    onReadable: given => void (callback = given),
    close: () => void (source.isClosed = true),
    push: (...weights) => {
      entries = [...entries, ...weights.map(weight => ({ weight }) as LogEntry)]
      wake()
    },
    end: () => {
      isEnded = true
      wake()
    },
  }
  return source
}

/** Writes how many entries came together; is over behind an entry of weight 7. */
function createEncoder(): ProtocolEncoder & { isOver: boolean } {
  return {
    isOver: false,
    encode(entries) {
      this.isOver = entries.some(({ weight }) => weight === 7)
      return entries.every(({ weight }) => weight === 0) ? '' : `${entries.length};`
    },
    pause() {
      this.isOver = true
      return 'paused;'
    },
  }
}

function open(options: { isPaused?: () => boolean; onPause?: (callback: () => void) => () => void } = {}) {
  const clock = new FakeClock()
  const source = createSource()
  const chunks = new ProtocolChunks(source, createEncoder(), { clock, ...options })
  const body = new PullBody(chunks, {
    heartbeat: new Uint8Array(),
    heartbeatMs: 1e9,
    stallTimeoutMs: 1e9,
    clock,
    onError: () => undefined,
  })
  const reader = createBodyStream(body).getReader()
  const seen: string[] = []
  const ended = (async () => {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      seen.push(new TextDecoder().decode(value))
    }
  })()
  ended.catch(() => {})
  return { clock, source, seen, ended, reader }
}

test('the first entries are sent at once, what follows within 50 ms together', async () => {
  const { clock, source, seen } = open()
  source.push(1)
  await clock.run(0)
  expect(seen).toEqual(['1;'])
  source.push(1)
  await clock.run(20)
  source.push(1, 1)
  await clock.run(29)
  expect(seen).toEqual(['1;'])
  await clock.run(1)
  expect(seen).toEqual(['1;', '3;'])
  await clock.run(1000)
  source.push(1)
  await clock.run(0)
  expect(seen).toEqual(['1;', '3;', '1;'])
})

test('a reader that catches up is not held back', async () => {
  const { clock, source, seen } = open()
  source.push(70_000, 70_000, 70_000, 1)
  await clock.run(0)
  expect(seen).toEqual(['1;', '1;', '1;', '1;'])
})

test('entries without frames are passed over', async () => {
  const { clock, source, seen } = open()
  source.push(0)
  await clock.run(0)
  source.push(0, 1)
  await clock.run(0)
  expect(seen).toEqual(['2;'])
})

test('the stream ends with the protocol, whatever follows', async () => {
  const { clock, source, seen, ended } = open()
  source.push(1, 7)
  await clock.run(0)
  source.push(1)
  await clock.run(50)
  await ended
  expect([seen, source.isClosed, clock.timerCount]).toEqual([['2;'], true, 0])
})

test('a source that ends before the protocol is a failure of the body, not its end', async () => {
  const { clock, source, ended } = open()
  source.push(1)
  await clock.run(0)
  source.end()
  await clock.run(50)
  await expect(ended).rejects.toMatchObject({ code: 'STREAM_CLOSED' })
  expect(source.isClosed).toBe(true)
})

test('a pause ends the stream, once all entries were sent', async () => {
  let isPaused = false
  const callbacks = new Set<() => void>()
  const { clock, source, seen, ended } = open({
    isPaused: () => isPaused,
    onPause: callback => {
      callbacks.add(callback)
      return () => void callbacks.delete(callback)
    },
  })
  source.push(1)
  await clock.run(50)
  isPaused = true
  for (const callback of callbacks) callback()
  await ended
  expect([seen, callbacks.size, clock.timerCount]).toEqual([['1;', 'paused;'], 0, 0])
})

test('a reader that leaves releases timer and source', async () => {
  const { clock, source, reader } = open()
  source.push(1)
  await clock.run(0)
  source.push(1)
  await clock.run(0)
  expect(clock.timerCount).toBeGreaterThan(0)
  await reader.cancel()
  expect([clock.timerCount, source.isClosed]).toEqual([0, true])
})
