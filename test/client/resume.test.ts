import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createClient } from '../../src/client/index.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { clientRig, collect, collectUntilFailure, ONE_TASK } from './client-rig.ts'
import { type Answer, brokenStream, FRAMES, json, LOG, RESULT, SHOWN, terminated } from './fake-server.ts'

interface Cut {
  /** How many bytes a connection carries before it is lost; 0 for one that is lost before headers. */
  readonly bytes: number
  /** Whether it fails, or only ends. */
  readonly fails: boolean
  /** Whether the server begins at the start again, whatever it was asked for. */
  readonly repeats: boolean
}

/** What a client makes of a log over connections that are lost like this, until one is not. */
async function readThrough(cuts: readonly Cut[], chunkBytes: number): Promise<unknown[]> {
  const clock = new FakeClock()
  const left = [...cuts]
  const fetch = async (request: Request): Promise<Response> => {
    const cut = left.shift()
    const after = cut?.repeats === true ? null : request.headers.get('last-event-id')
    const text = FRAMES.slice(after === null ? 0 : Number(after.slice(2))).join('')
    if (cut?.bytes === 0) throw new TypeError('fetch failed', { cause: terminated() })
    if (text === '') return new Response(null, { status: 204 })
    const bytes = new TextEncoder().encode(text).subarray(0, cut?.bytes)
    let at = 0
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          if (at < bytes.length) controller.enqueue(bytes.slice(at, (at += chunkBytes)))
          else if (cut?.fails === true) controller.error(terminated())
          else controller.close()
        },
      },
      { highWaterMark: 0 },
    )
    return new Response(body, { headers: { 'Content-Type': 'text/event-stream', 'Execution-Id': 'x' } })
  }
  const client = createClient({
    url: 'http://server',
    fetch,
    clock,
    reconnection: { maxRetries: cuts.length, initialDelayMs: 1, maxDelayMs: 1, jitter: 0 },
  })
  const reading = collect(client.stream(ONE_TASK))
  reading.catch(() => {})
  // Each delay is a millisecond.
  await clock.run(cuts.length)
  expect(clock.timerCount).toBe(0)
  return reading
}

const TOTAL_BYTES = new TextEncoder().encode(FRAMES.join('')).length

test('a stream cut at any byte, by an error or by an end, is had once and in order', async () => {
  for (let bytes = 1; bytes < TOTAL_BYTES; bytes++) {
    for (const fails of [true, false]) {
      expect(await readThrough([{ bytes, fails, repeats: false }], 1000), `cut at ${bytes}`).toEqual(LOG)
    }
  }
})

test('a stream cut any number of times anywhere is had once and in order', async () => {
  const cut = fc.record({
    bytes: fc.nat({ max: TOTAL_BYTES }),
    fails: fc.boolean(),
    repeats: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(cut, { maxLength: 8 }), fc.integer({ min: 1, max: 200 }), async (cuts, chunkBytes) => {
      expect(await readThrough(cuts, chunkBytes)).toEqual(LOG)
    }),
    { numRuns: 150 },
  )
})

const IMPATIENT = { maxRetries: 1, initialDelayMs: 100, jitter: 0 }
const cutAfterEach = (): readonly Answer[] => FRAMES.map(frame => brokenStream(frame, ': heartbeat\n\n'))

test('a connection that is cut after every event is followed to the end with one retry', async () => {
  const { client, server, clock } = clientRig(cutAfterEach(), { reconnection: IMPATIENT })
  const reading = collect(client.stream(ONE_TASK))
  await clock.run(10_000)
  expect(await reading).toEqual(LOG)
  expect(server.sent('last-event-id')).toEqual([null, 'x.1', 'x.2', 'x.3', 'x.4', 'x.5', 'x.6'])
})

test('a subscription, and waiting for a result, are as patient', async () => {
  const subscribing = clientRig(cutAfterEach(), { reconnection: IMPATIENT })
  const reading = collect(subscribing.client.subscribe('x'))
  await subscribing.clock.run(10_000)
  expect(await reading).toEqual(LOG)
  const executing = clientRig([json({ cut: true }), ...cutAfterEach(), json(SHOWN)], { reconnection: IMPATIENT })
  const result = executing.client.execute(ONE_TASK)
  await executing.clock.run(10_000)
  expect(await result).toEqual(RESULT)
})

test('a server that sends the same events at each connection is given up', async () => {
  for (const frame of [FRAMES.slice(0, 3).join(''), ': heartbeat\n\n', 'id: x.1\ndata: {}\n\n']) {
    const answers = Array.from({ length: 5 }, () => brokenStream(frame))
    const { client, server, clock } = clientRig(answers, { reconnection: { ...IMPATIENT, maxRetries: 3 } })
    const reading = collectUntilFailure(client.subscribe('x'))
    await clock.run(10_000)
    expect((await reading).error).toMatchObject({ code: 'CONNECTION_LOST', attempts: 4 })
    expect(server.requests).toHaveLength(4)
  }
})
