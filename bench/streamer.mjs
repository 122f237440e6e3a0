// How long a token takes from `streamToken` to each of 100 listeners: `node bench/streamer.mjs [listeners] [tokens]`, after a build.
import { SSEStreamer } from '../dist/events/sse-streamer.js'

const [listenerCount = 100, tokenCount = 20_000] = process.argv.slice(2).map(Number)
/** Tokens in one turn of the event loop, as a provider's chunk brings them. */
const BURST = 20

const streamer = new SSEStreamer()
const delays = new Float64Array(listenerCount * tokenCount)
let heardCount = 0
let sentAt = 0
for (let index = 0; index < listenerCount; index++) {
  streamer.subscribe(
    () => {
      delays[heardCount++] = performance.now() - sentAt
    },
    { types: ['token'] },
  )
}
const startedAt = performance.now()
for (let token = 0; token < tokenCount; token++) {
  sentAt = performance.now()
  void streamer.streamToken(`token ${token} `)
  if (token % BURST === BURST - 1) await new Promise(resolve => setImmediate(resolve))
}
const totalMs = performance.now() - startedAt
if (heardCount !== delays.length) throw new Error(`Expected ${delays.length} deliveries, got ${heardCount}`)

delays.sort()
const quantile = share => delays[Math.min(delays.length - 1, Math.floor(delays.length * share))].toFixed(4)
console.log(`${listenerCount} listeners, ${tokenCount} tokens, Node ${process.version}`)
console.log(`p50 ${quantile(0.5)} ms, p95 ${quantile(0.95)} ms, p99 ${quantile(0.99)} ms, max ${quantile(1)} ms`)
console.log(`${Math.round(tokenCount / (totalMs / 1000))} tokens per second to all of them; aim: p95 under 1 ms`)
