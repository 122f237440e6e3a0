import { createRun, runKey, STANDARD } from './runs.mjs'
import { formatNumber, formatRange, formatTable } from './tables.mjs'

const CONTENDERS = ['bare loop', 'p-graph', 'compile', 'execute', 'stream', 'document']
const LARGE = { shape: 'layered', taskCount: 100_000 }
const TURNS = 'turns'
const CHAIN = { shape: 'chain', taskCount: 20_000 }

/** The cost of dagstream per task, in time and in memory, compared with simpler libraries. */
export function listOverheadCases({ isCheck, isQuick, seed }) {
  const checked = [
    ...['p-graph', 'document', 'stream'].map(contender => createRun(contender, STANDARD, seed)),
    ...['document', 'stream'].map(contender => createRun(contender, LARGE, seed)),
    createRun('document', CHAIN, seed),
    createHeap(LARGE, seed),
    { key: TURNS, kind: 'turns', ...LARGE, seed, maxRounds: 3 },
  ]
  if (isCheck) return checked
  const grid = listWorkloads(isQuick)
  return [
    ...(isQuick ? [] : checked),
    ...grid.flatMap(workload => CONTENDERS.map(contender => createRun(contender, workload, seed))),
    ...grid.map(workload => createHeap(workload, seed)),
  ]
}

/** @param {Record<string, any>} results figures by key */
export function reportOverhead(results, { isQuick }) {
  const rows = listWorkloads(isQuick).filter(workload => runKey('bare loop', workload) in results)
  if (rows.length === 0) return []
  const perTask = figure =>
    rows.map(workload => [
      formatWorkload(workload),
      ...CONTENDERS.map(contender => {
        const value = results[runKey(contender, workload)][figure]
        const factor = 1000 / workload.taskCount
        return figure === 'warmMs' ? formatRange(value, factor) : formatNumber(value.median * factor)
      }),
    ])
  const heap = rows.map(workload => {
    const { planBytes, executionBytes, totalBytes, pGraphBytes } = results[heapKey(workload)]
    return [
      formatWorkload(workload),
      ...[planBytes, executionBytes, totalBytes, pGraphBytes].map(({ median }) => formatNumber(median)),
    ]
  })
  return [
    [
      'µs per task, warm: median (least–most of the processes)',
      formatTable(['workload', ...CONTENDERS], perTask('warmMs')),
    ],
    ['µs per task, the first run of a process', formatTable(['workload', ...CONTENDERS], perTask('coldMs'))],
    ['Bytes of heap per task, retained', formatTable(['workload', 'plan', 'execution', 'both', 'p-graph'], heap)],
  ]
}

/** The stated figures about cost. @returns {import('./figures.mjs').Figure[]} */
export function listOverheadFigures(results) {
  const perTask = (contender, workload) => results[runKey(contender, workload)]?.warmMs.median / workload.taskCount
  const growth = contender => perTask(contender, LARGE) / perTask(contender, STANDARD)
  return [
    {
      name: 'document to result with events, beside p-graph',
      unit: '×',
      measured: perTask('document', STANDARD) / perTask('p-graph', STANDARD),
      target: 2,
    },
    {
      name: 'cost per task at 100,000 beside 10,000, from a document',
      unit: '×',
      measured: growth('document'),
      target: 1.3,
    },
    { name: 'cost per task at 100,000 beside 10,000, from a plan', unit: '×', measured: growth('stream'), target: 1.3 },
    {
      name: 'a chain of 20,000, document to result with events',
      unit: 'ms',
      measured: results[runKey('document', CHAIN)]?.warmMs.median,
      target: 1000,
    },
    {
      name: 'the same in the first run of a process',
      unit: 'ms',
      measured: results[runKey('document', CHAIN)]?.coldMs.median,
      target: 1000,
    },
    {
      name: '100,000 tasks from a document: the call of `.stream()`, which checks them',
      unit: 'ms',
      measured: results[TURNS]?.callMs.median,
      target: 500,
    },
    {
      name: 'the longest piece of work from then to the first event',
      unit: 'ms',
      measured: results[TURNS]?.pieceMs.median,
      target: 500,
    },
    {
      name: 'heap per task at 100,000, plan and finished execution',
      unit: 'bytes',
      measured: results[heapKey(LARGE)]?.totalBytes.median,
      target: 1536,
    },
  ]
}

function listWorkloads(isQuick) {
  const sizes = isQuick ? [1000, 10_000] : [1000, 10_000, 100_000]
  return ['layered', 'wide', 'chain', 'tree'].flatMap(shape => sizes.map(taskCount => ({ shape, taskCount })))
}

function formatWorkload({ shape, taskCount }) {
  return `${shape} ${taskCount.toLocaleString('en')}`
}

function heapKey({ shape, taskCount }) {
  return `heap ${shape} ${taskCount}`
}

/** The heap after a collection hardly varies: one process is enough. */
function createHeap({ shape, taskCount }, seed) {
  return { key: heapKey({ shape, taskCount }), kind: 'heap', needsGc: true, shape, taskCount, seed, maxRounds: 1 }
}
