import { areRecorded, listPlans } from './eager-plans.mjs'
import { computeMedian } from './statistics.mjs'
import { formatNumber, formatRange, formatTable } from './tables.mjs'

const PACES = [30, 60, 120]
const TOOL_TIMES = [100, 500, 2000]
/** Plans of this many tasks are what the stated gain is about. */
const MIN_TASKS = 8
const STATED = { tokensPerSecond: 60, toolMs: 500, writes: 0 }
const LINE_COUNT = 5000

const LINES = 'eager lines'
const REAL = 'eager real'
const firstKey = acceptedCount => `eager first ${acceptedCount}`
const virtualKey = ({ tokensPerSecond, toolMs, writes }) => `eager ${tokensPerSecond} ${toolMs} ${writes}`

const SETTINGS = PACES.flatMap(tokensPerSecond => TOOL_TIMES.map(toolMs => ({ tokensPerSecond, toolMs, writes: 0 })))

/**
 * Plans that run while they are written, beside waiting for the whole plan; what a line costs, and how soon its tool starts.
 * @param {{ isCheck: boolean, seed: number }} options
 */
export function listEagerCases({ isCheck, seed }) {
  const settings = isCheck ? [STATED] : [...SETTINGS, { ...STATED, writes: 0.5 }]
  return [
    { key: LINES, kind: 'eager lines', taskCount: LINE_COUNT, maxRounds: 3 },
    ...[0, LINE_COUNT].map(acceptedCount => ({
      key: firstKey(acceptedCount),
      kind: 'eager first',
      acceptedCount,
      maxRounds: 3,
    })),
    // Virtual time: each round would give the same.
    ...settings.map(setting => ({
      key: virtualKey(setting),
      kind: 'eager virtual',
      maxRounds: 1,
      isIdle: true,
      seed,
      ...setting,
    })),
    { key: REAL, kind: 'eager real', maxRounds: 3, isIdle: true, seed, ...STATED, minTasks: MIN_TASKS },
  ]
}

/** @param {Record<string, any>} results figures by key @param {{ isCheck: boolean, seed: number }} options */
export function reportEager(results, { isCheck, seed }) {
  const plans = listPlans(seed)
  const large = plans.filter(({ lines }) => lines.length >= MIN_TASKS)
  const kind = areRecorded(plans) ? 'recorded' : 'made'
  const { tokensPerSecond, toolMs } = STATED
  const each = large.map(plan => {
    const { name, lines } = plan
    const tokens = lines.reduce((sum, line) => sum + line.tokens, 0)
    const [wait, eager] = [results[REAL][`wait ${name}`], results[REAL][`eager ${name}`]].map(({ median }) => median)
    return [
      name,
      lines.length,
      Math.round(tokens),
      formatNumber(wait / 1000),
      formatNumber(eager / 1000),
      formatNumber(wait / eager),
      formatNumber(gainOf(results, STATED, plan)),
    ]
  })
  const costs = [
    ['5,000 lines, one by one, µs of CPU time per task', formatRange(results[LINES].lines)],
    ['5,000 lines in one chunk', formatRange(results[LINES].chunk)],
    ['the same as a document, parsed and run', formatRange(results[LINES].document)],
    ['lines one by one beside the document, ×', formatRange(results[LINES].linesRatio)],
    ['last byte of a line to the call of its tool, ms', formatRange(results[firstKey(0)].medianMs)],
    ['p95', formatRange(results[firstKey(0)].p95Ms)],
    ['the first line of a process', formatRange(results[firstKey(0)].firstMs)],
    ['behind 5,000 accepted tasks, median', formatRange(results[firstKey(LINE_COUNT)].medianMs)],
    ['p95', formatRange(results[firstKey(LINE_COUNT)].p95Ms)],
  ]
  const head = ['plan', 'tasks', 'tokens', 'waiting, s', 'eager, s', 'gain', 'computed']
  const tables = [
    [
      `${large.length} ${kind} plans of ${MIN_TASKS} or more tasks, ${tokensPerSecond} tokens/s, tools of ${toolMs} ms, real time`,
      formatTable(head, each),
    ],
    ['Lines', formatTable(['', ''], costs)],
  ]
  return isCheck ? tables : [...tables, ...reportGains(results, plans, large, kind)]
}

function reportGains(results, plans, large, kind) {
  const families = [...new Set(plans.map(({ family }) => family))]
  const groups = [
    [`${MIN_TASKS} or more tasks (${large.length})`, large],
    ...families.map(family => {
      const own = plans.filter(plan => plan.family === family)
      return [`${family} (${own.length})`, own]
    }),
    [`all (${plans.length})`, plans],
  ]
  const settings = [...SETTINGS, { ...STATED, writes: 0.5 }]
  const rows = settings.map(setting => {
    const { tokensPerSecond, toolMs, writes } = setting
    const note = writes === 0 ? '' : ', half of the tools write'
    return [
      `${tokensPerSecond} tokens/s, ${formatNumber(toolMs)} ms${note}`,
      ...groups.map(([, group]) => formatGains(group.map(plan => gainOf(results, setting, plan)))),
    ]
  })
  const head = ['pace, time of a tool', ...groups.map(([name]) => name)]
  return [[`Gain of ${kind} plans, median (p10–p90), virtual time`, formatTable(head, rows)]]
}

/** The stated figures. @returns {import('./figures.mjs').Figure[]} */
export function listEagerFigures(results, { seed }) {
  const large = listPlans(seed).filter(({ lines }) => lines.length >= MIN_TASKS)
  const gains = large.map(plan => gainOf(results, STATED, plan))
  return [
    {
      name: '5,000 lines beside the same document',
      unit: '×',
      measured: results[LINES]?.linesRatio.median,
      target: 1.3,
    },
    ...[0, LINE_COUNT].map(acceptedCount => ({
      name: `last byte of a line to its tool, ${acceptedCount.toLocaleString('en')} tasks before`,
      unit: 'ms',
      measured: results[firstKey(acceptedCount)]?.medianMs.median,
      target: 5,
    })),
    {
      name: `an eager plan beside waiting, 60 tokens/s, tools of 500 ms, virtual time (median of ${large.length}; 1.3 × as fast)`,
      unit: '×',
      measured: 1 / computeMedian(gains),
      target: 1 / 1.3,
    },
  ]
}

function gainOf(results, setting, { name }) {
  const { [`wait ${name}`]: wait, [`eager ${name}`]: eager } = results[virtualKey(setting)]
  return wait.median / eager.median
}

function formatGains(gains) {
  const sorted = gains.toSorted((a, b) => a - b)
  const at = share => sorted[Math.round(share * (sorted.length - 1))]
  return `${formatNumber(computeMedian(gains))} (${formatNumber(at(0.1))}–${formatNumber(at(0.9))})`
}
