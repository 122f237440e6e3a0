import { createRun, runKey, STANDARD } from './runs.mjs'
import { formatNumber, formatRange, formatTable } from './tables.mjs'

const CHECKED = ['p-graph', 'stream', 'sink', 'sse']
const REST = ['bare loop', 'execute', 'events alone', 'encode']
const EVENT_TYPES = 'event types'

/** The cost of reading every event: from the executor to a loop, a sink, and bytes on the wire. */
export function listStreamCases({ isCheck, seed }) {
  const contenders = isCheck ? CHECKED : [...CHECKED, ...REST]
  const runs = contenders.map(contender => createRun(contender, STANDARD, seed))
  return isCheck ? runs : [...runs, { key: EVENT_TYPES, kind: EVENT_TYPES, maxRounds: 3 }]
}

/** @param {Record<string, any>} results figures by key */
export function reportStream(results) {
  const peer = results[runKey('p-graph')]
  const factor = 1000 / STANDARD.taskCount
  const rows = [...REST, ...CHECKED]
    .filter(contender => runKey(contender) in results)
    .map(contender => {
      const { warmMs, coldMs } = results[runKey(contender)]
      const ratio = formatNumber(warmMs.median / peer.warmMs.median)
      return [contender, formatRange(warmMs, factor), formatNumber(coldMs.median * factor), ratio]
    })
  const title = `${STANDARD.taskCount.toLocaleString('en')} tasks, ${STANDARD.shape}`
  const tables = [[title, formatTable(['', 'µs per task, warm', 'first run', '× p-graph'], rows)]]
  const types = Object.entries(results[EVENT_TYPES] ?? {}).map(([type, figure]) => [type, formatRange(figure)])
  return types.length === 0 ? tables : [...tables, ['Encoding one event', formatTable(['type', 'µs'], types)]]
}

/** The stated figures about events. @returns {import('./figures.mjs').Figure[]} */
export function listStreamFigures(results) {
  const ratio = contender => results[runKey(contender)]?.warmMs.median / results[runKey('p-graph')]?.warmMs.median
  return [
    { name: '`.stream()`, every event consumed, beside p-graph', unit: '×', measured: ratio('stream'), target: 0.5 },
    {
      name: '`executeWithStreaming` into a `WritableStream`, beside p-graph',
      unit: '×',
      measured: ratio('sink'),
      target: 0.75,
    },
    { name: 'encoded SSE bytes, beside p-graph', unit: '×', measured: ratio('sse'), target: 0.5 },
  ]
}
