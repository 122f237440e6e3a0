import { expect, test } from 'vitest'
import { DagstreamError } from '../../src/errors.ts'
import { createBodyStream, takeBody } from '../../src/sse/body-stream.ts'
import { type ChunkSource, LATER, PullBody } from '../../src/sse/pull-body.ts'
import { FakeClock } from '../support/fake-clock.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (chunk: Uint8Array | undefined): string | undefined => chunk && new TextDecoder().decode(chunk)

class ChunkQueue implements ChunkSource {
  done = false
  closed = 0
  failure: Error | undefined
  readonly chunks: Uint8Array[] = []
  #callback: (() => void) | undefined

  take(): Uint8Array | undefined {
    if (this.failure) throw this.failure
    return this.chunks.shift()
  }

  onReadable(callback: (() => void) | undefined): void {
    this.#callback = callback
  }

  close(): void {
    this.closed += 1
  }

  tell(): void {
    const callback = this.#callback
    this.#callback = undefined
    callback?.()
  }
}

function bodyRig(onError: (error: unknown) => Uint8Array | undefined = () => undefined) {
  const source = new ChunkQueue()
  const clock = new FakeClock()
  const ends: string[] = []
  const body = new PullBody(source, { heartbeat: bytes('.'), clock, onError, onClose: how => ends.push(how) })
  /** The next chunk: at once where it is there, else by a promise. */
  const next = (): string | undefined | Promise<string | undefined> => {
    let settle!: (chunk: Uint8Array | undefined, error?: Error) => void
    const later = new Promise<string | undefined>((resolve, reject) => {
      settle = (chunk, error) => (error ? reject(error) : resolve(text(chunk)))
    })
    const chunk = body.next((...answer) => settle(...answer))
    return chunk === LATER ? later : text(chunk)
  }
  return { source, clock, ends, body, next }
}

test('available chunks come at once, without a promise, then awaited ones', async () => {
  const { source, next, ends, clock } = bodyRig()
  source.chunks.push(bytes('a'), bytes('b'))
  expect([next(), next()]).toEqual(['a', 'b'])
  const waiting = next()
  source.chunks.push(bytes('c'))
  source.tell()
  expect(await waiting).toBe('c')
  source.done = true
  expect([next(), next(), ends, source.closed, clock.timerCount]).toEqual([undefined, undefined, ['ended'], 1, 0])
})

test('a failure without a last chunk fails the body without its cause, and only once', async () => {
  const { source, next, ends, clock } = bodyRig()
  const waiting = next()
  source.failure = new Error('a secret')
  source.tell()
  await expect(waiting).rejects.toEqual(new DagstreamError('STREAM_CLOSED', 'The body could not be completed'))
  expect([next(), ends, clock.timerCount]).toEqual([undefined, ['failed'], 0])
})

test('a failure before anybody waits is thrown', () => {
  const { source, next } = bodyRig()
  source.failure = new Error('a secret')
  expect(() => next()).toThrow('The body could not be completed')
})

test('the chunk that replaces a failure is the last', async () => {
  const { source, next, ends } = bodyRig(() => bytes('sorry'))
  source.failure = new Error('a secret')
  expect([next(), await next(), ends]).toEqual(['sorry', undefined, ['failed']])
})

test('a stream of a body that fails is errored', async () => {
  const { source, body } = bodyRig()
  source.failure = new Error('a secret')
  await expect(createBodyStream(body).getReader().read()).rejects.toThrow('The body could not be completed')
})

test('a watch ends with the next call, and gives up anyone who does not make it', () => {
  const { source, body, next, ends, clock } = bodyRig()
  const told: string[] = []
  source.chunks.push(bytes('a'), bytes('b'))
  void next()
  body.watch(({ code }) => told.push(code))
  clock.advance(29_999)
  void next()
  body.watch(({ code }) => told.push(code))
  clock.advance(29_999)
  expect([told, ends]).toEqual([[], []])
  clock.advance(1)
  expect([told, ends, clock.timerCount, next()]).toEqual([['READER_STALLED'], ['left'], 0, undefined])
})

test('a body taken out of its stream repeats the first chunk, and is watched only from then on', () => {
  const clock = new FakeClock()
  const options = { first: bytes('^'), heartbeat: bytes('.'), clock, onError: () => undefined, stallTimeoutMs: 10 }
  const body = new PullBody(new ChunkQueue(), options)
  const taken = takeBody(createBodyStream(body))
  clock.advance(1000)
  expect([taken === body, text(body.next(() => {}) as Uint8Array)]).toEqual([true, '^'])
})

test('a stream that is not made of a body has none', () => {
  expect(takeBody(new ReadableStream())).toBeUndefined()
})

test('chunks that readers share are copied for the reader of a stream', async () => {
  const { source, body } = bodyRig()
  const shared = bytes('abc')
  source.chunks.push(shared)
  const { value } = await createBodyStream(body).getReader().read()
  value?.fill(0)
  expect(text(shared)).toBe('abc')
})
