import { formatRange, formatTable } from './tables.mjs'

const TASK_COUNT = 10_000
const FORK = 'living fork'
const HITS = 'living hits'
const KEY = 'living key'

/** What forks and remembered outputs cost. */
export function listLivingCases() {
  return [
    { key: FORK, kind: 'living fork', taskCount: TASK_COUNT, maxRounds: 3 },
    { key: HITS, kind: 'living hits', taskCount: TASK_COUNT, maxRounds: 3 },
    { key: KEY, kind: 'living key', maxRounds: 3 },
  ]
}

/** @param {Record<string, any>} results figures by key */
export function reportLiving(results) {
  const rows = [
    ['from `fork` to the first call, 10,000 tasks taken over, ms', formatRange(results[FORK].firstMs)],
    ['a task that takes a remembered output, µs of CPU time', formatRange(results[HITS].hitUs)],
    ['a task that calls a tool without work, µs of CPU time', formatRange(results[HITS].callUs)],
    ['the key of 1 KB of arguments, µs of CPU time', formatRange(results[KEY].keyUs)],
  ]
  return [['Outputs that are taken over, in memory', formatTable(['', ''], rows)]]
}

/** The stated figures. @returns {import('./figures.mjs').Figure[]} */
export function listLivingFigures(results) {
  return [
    {
      name: 'fork of 10,000 tasks, to the first call',
      unit: 'ms',
      measured: results[FORK]?.firstMs.median,
      target: 300,
    },
    { name: 'a remembered output beside a call', unit: '×', measured: results[HITS]?.ratio.median, target: 1.2 },
    { name: 'the key of 1 KB of arguments', unit: 'µs', measured: results[KEY]?.keyUs.median, target: 10 },
  ]
}
