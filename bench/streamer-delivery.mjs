import { setImmediate as turn } from 'node:timers/promises'
import { SSEStreamer } from './library.mjs'

/** Tokens in one turn of the event loop, as a provider's chunk brings them. */
const BURST = 20

/**
 * How long a token takes from `streamToken` to each listener, ms, and how many tokens per second all of them get.
 * @param {{ listenerCount: number, tokenCount: number }} parameters
 */
export async function measureDelivery({ listenerCount, tokenCount }) {
  const streamer = new SSEStreamer()
  const delays = new Float64Array(listenerCount * tokenCount)
  let heardCount = 0
  let sentAt = 0
  for (let index = 0; index < listenerCount; index++) {
    const listener = () => {
      delays[heardCount++] = performance.now() - sentAt
    }
    streamer.subscribe(listener, { types: ['token'] })
  }
  const startedAt = performance.now()
  for (let token = 0; token < tokenCount; token++) {
    sentAt = performance.now()
    void streamer.streamToken(`token ${token} `)
    if (token % BURST === BURST - 1) await turn()
  }
  const totalMs = performance.now() - startedAt
  if (heardCount !== delays.length) throw new Error(`Expected ${delays.length} deliveries, got ${heardCount}`)
  delays.sort()
  const quantile = share => delays[Math.ceil(delays.length * share) - 1]
  const tokensPerSec = tokenCount / (totalMs / 1000)
  return { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99), max: quantile(1), tokensPerSec }
}
