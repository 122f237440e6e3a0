import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { computeCriticalPath, computeLayerCount, computeMakespan, computeWork, scaleWorkload } from './makespan.mjs'
import { createShape } from './shapes.mjs'
import { formatNumber, formatTable } from './tables.mjs'
import { readTraces } from './traces.mjs'

/** External traces, in a folder beside the checkout, if present. */
const TRACES = new URL('../../shared/workloads/wfcommons/', import.meta.url)

/** Few enough tasks one after another that the millisecond by which each timer is late stays below the tolerance. */
const GENERATED = { layered: 64, wide: 64, chain: 12, tree: 63, fan: 60, random: 100 }

const SCHEDULES = ['layers', 'dataflow']
const SLOTS = [Number.POSITIVE_INFINITY, 8]

/** How far above the computed makespan a schedule may be. */
const TOLERANCE = 1.03

/** Cases that take longer are measured once, ms: a disturbance weighs little in them. */
const LONG_MS = 5000

/** A sequential loop that would take longer than this is computed, not waited for, ms. */
const MAX_SEQUENTIAL_MS = 15_000

/**
 * The gain of parallel execution: each workload's sequential loop and both schedules, in real time, beside what is computed.
 * @param {{ isCheck: boolean, isQuick: boolean, seed: number, tracePaths: readonly string[] }} options
 */
export function listSpeedupCases(options) {
  return listWorkloads(options).flatMap(({ name, tasks }) => {
    const create = (contender, slots, computedMs) => ({
      key: scheduleKey(name, contender, slots),
      kind: 'schedule',
      isIdle: true,
      maxRounds: computedMs > LONG_MS ? 1 : 3,
      tasks,
      contender,
      slots: Number.isFinite(slots) ? slots : null,
    })
    const work = computeWork(tasks)
    const isWaitedFor = !options.isCheck && work <= MAX_SEQUENTIAL_MS
    return [
      ...(isWaitedFor ? [create('sequential', 1, work)] : []),
      ...SLOTS.flatMap(slots =>
        SCHEDULES.map(schedule => create(schedule, slots, computeMakespan(tasks, schedule, slots))),
      ),
    ]
  })
}

/** @param {Record<string, any>} results figures by key */
export function reportSpeedup(results, options) {
  const rows = listWorkloads(options).map(({ name, tasks }) => {
    const criticalPath = computeCriticalPath(tasks)
    const work = computeWork(tasks)
    const measured = results[scheduleKey(name, 'sequential', 1)]?.wallMs.median
    const sequential = measured === undefined ? `${formatNumber(work)}*` : formatNumber(measured)
    const ideal = criticalPath === 0 ? 0 : work / criticalPath
    return [name, tasks.length, computeLayerCount(tasks), formatNumber(criticalPath), sequential, formatNumber(ideal)]
  })
  const slotTables = SLOTS.map(slots => {
    const title = Number.isFinite(slots) ? `${slots} slots` : 'Unlimited slots'
    const head = ['workload', ...SCHEDULES.flatMap(schedule => [`${schedule}: computed`, 'measured', 'off', 'speedup'])]
    const body = listWorkloads(options).map(({ name, tasks }) => [
      name,
      ...SCHEDULES.flatMap(schedule => {
        const computed = computeMakespan(tasks, schedule, slots)
        const { median } = results[scheduleKey(name, schedule, slots)].wallMs
        const off = computed === 0 ? 0 : (median / computed - 1) * 100
        return [
          formatNumber(computed),
          formatNumber(median),
          `${off.toFixed(1)} %`,
          formatNumber(computeWork(tasks) / median),
        ]
      }),
    ])
    return [`${title}, ms`, formatTable(head, body)]
  })
  const head = ['workload', 'tasks', 'layers', 'critical path', 'sequential loop', 'most speedup']
  return [['Workloads, ms (* computed)', formatTable(head, rows)], ...slotTables]
}

/** The stated figure about schedules: for each of them the workload that is furthest off. */
export function listSpeedupFigures(results, options) {
  const workloads = listWorkloads(options)
  return SLOTS.flatMap(slots =>
    SCHEDULES.map(schedule => {
      const ratios = workloads.map(({ name, tasks }) => ({
        name,
        ratio: results[scheduleKey(name, schedule, slots)]?.wallMs.median / computeMakespan(tasks, schedule, slots),
      }))
      const worst = ratios.reduce((worse, given) => (given.ratio > worse.ratio ? given : worse))
      const where = Number.isFinite(slots) ? `${slots} slots` : 'unlimited slots'
      return {
        name: `\`${schedule}\`, ${where}, beside the computed makespan (worst of ${workloads.length}: ${worst.name})`,
        unit: '×',
        measured: worst.ratio,
        target: TOLERANCE,
      }
    }),
  )
}

/** The traces given, or those beside the checkout and generated shapes; all with the same critical path. */
function listWorkloads({ isCheck, isQuick, seed, tracePaths }) {
  const paths = tracePaths.length > 0 ? tracePaths : findTraces()
  const traces = paths.flatMap(readTraces)
  const hasTracesOnly = tracePaths.length > 0 || (isCheck && traces.length > 0)
  const generated = hasTracesOnly
    ? []
    : Object.entries(GENERATED).map(([shape, count]) => ({ name: shape, tasks: createShape(shape, count, seed) }))
  const criticalPathMs = isQuick ? 500 : 2000
  return [...generated, ...traces].map(({ name, tasks }) => ({ name, tasks: scaleWorkload(tasks, criticalPathMs) }))
}

function findTraces() {
  if (!existsSync(TRACES)) return []
  const names = readdirSync(TRACES)
    .filter(name => name.endsWith('.json'))
    .sort()
  return names.map(name => fileURLToPath(new URL(name, TRACES)))
}

function scheduleKey(name, contender, slots) {
  return `${contender} ${name} ${slots}`
}
