import { formatNumber, formatRange, formatTable } from './tables.mjs'

const TASK_COUNT = 10_000
const KEY = 'otel traces'

/** What the observer of traces costs. */
export function listOtelCases() {
  return [{ key: KEY, kind: 'otel', taskCount: TASK_COUNT, maxRounds: 3 }]
}

/** @param {Record<string, any>} results figures by key */
export function reportOtel(results) {
  const { plainMs, tracedMs, ratio } = results[KEY]
  const rows = [
    ['without an observer', formatRange(plainMs), ''],
    ['with `createOtelObserver` and the SDK', formatRange(tracedMs), formatNumber(ratio.median)],
  ]
  return [[`${TASK_COUNT} tasks without work, ms of CPU time`, formatTable(['', 'ms', '×'], rows)]]
}

/** The stated figures. @returns {import('./figures.mjs').Figure[]} */
export function listOtelFigures(results) {
  const measured = results[KEY]?.ratio.median
  return [{ name: `${TASK_COUNT} tasks with traces, beside none`, unit: '×', measured, target: 1.5 }]
}
