import { formatRange, formatTable } from './tables.mjs'

const LISTENER_COUNT = 100
const KEY = 'streamer'

/** The time `SSEStreamer` takes to deliver a token to all listeners. */
export function listStreamerCases() {
  return [{ key: KEY, kind: 'streamer', listenerCount: LISTENER_COUNT, tokenCount: 20_000 }]
}

/** @param {Record<string, any>} results figures by key */
export function reportStreamer(results) {
  const { tokensPerSec, ...delays } = results[KEY]
  const rows = Object.entries(delays).map(([name, figure]) => [name, formatRange(figure, 1000)])
  return [
    [`From \`streamToken\` to each of ${LISTENER_COUNT} listeners`, formatTable(['', 'µs'], rows)],
    ['Tokens to all of them', formatTable(['', 'thousand/s'], [['one sender', formatRange(tokensPerSec, 0.001)]])],
  ]
}

/** The stated figures about it. @returns {import('./figures.mjs').Figure[]} */
export function listStreamerFigures(results) {
  return [
    {
      name: `\`SSEStreamer\`: from \`streamToken\` to each of ${LISTENER_COUNT} listeners, p95`,
      unit: 'ms',
      measured: results[KEY]?.p95.median,
      target: 1,
    },
  ]
}
