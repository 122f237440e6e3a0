import { STANDARD } from './runs.mjs'
import { formatNumber, formatRange, formatTable } from './tables.mjs'

const TASKS = 'store tasks'
const EVENTS = 'store events'
const LARGE = 'store large'
const RECOVERY = 'store recovery'

/** How many events the appending case writes, and the file of the last case holds. */
const EVENT_COUNT = 20_000
const LARGE_FILE = { executionCount: 10_000, eventsEach: 100 }

/** The cost of keeping everything in a file, compared with memory and with the bare driver, and with a large file. */
export function listStoreCases({ seed }) {
  return [
    { key: TASKS, kind: 'store', scenario: 'tasks', ...STANDARD, seed },
    { key: EVENTS, kind: 'store', scenario: 'events', eventCount: EVENT_COUNT },
    { key: LARGE, kind: 'store', scenario: 'large', ...LARGE_FILE, seed, maxRounds: 3 },
    { key: RECOVERY, kind: 'recovery' },
  ]
}

/** @param {Record<string, any>} results figures by key */
export function reportStore(results) {
  const { memoryMs, sqliteMs, driverMs } = results[TASKS]
  const tasks = [
    ['memory', formatRange(memoryMs)],
    ['SQLite, `normal`', formatRange(sqliteMs)],
    ['the bare driver, same bytes, same batches', formatRange(driverMs)],
  ]
  const events = results[EVENTS]
  const rows = [
    ['append', formatRange(events.storeAppendUs), formatRange(events.driverAppendUs)],
    ['read', formatRange(events.storeReadUs), formatRange(events.driverReadUs)],
  ]
  const large = results[LARGE]
  const answers = [
    ['open', formatRange(large.openMs)],
    ['a page of 100 executions', formatRange(large.listMs)],
    ["an owner's page of 100", formatRange(large.listOfOwnerMs)],
    ['a page of 128 events', formatRange(large.readMs)],
    ['a whole execution of 100 events, restored', formatRange(large.restoreMs)],
    ['backup', formatRange(large.backupMs)],
    ['the longest time that the event loop stood still in it', formatRange(large.backupStallMs)],
  ]
  const { openMs, firstAttemptMs } = results[RECOVERY]
  const recovery = [
    ['the driver loaded and the file open', formatRange(openMs)],
    ['the first attempt of a task that was cut', formatRange(firstAttemptMs)],
  ]
  const count = STANDARD.taskCount.toLocaleString('en')
  const size = formatNumber(large.fileMegabytes.median)
  const title = `A file of ${LARGE_FILE.executionCount.toLocaleString('en')} executions, ${size} MB`
  return [
    [`${count} tasks that do nothing, ${STANDARD.shape}`, formatTable(['kept in', 'ms'], tasks)],
    ['Events of 1 KB, 100 at a time', formatTable(['µs per event', 'store', 'bare driver'], rows)],
    [title, formatTable(['', 'ms'], answers)],
    [
      'From the start of a new process, after one was killed at 10,000 finished and 10 unfinished tasks',
      formatTable(['until', 'ms'], recovery),
    ],
  ]
}

/** The stated figures about stores. @returns {import('./figures.mjs').Figure[]} */
export function listStoreFigures(results) {
  const { [TASKS]: tasks, [EVENTS]: events, [LARGE]: large, [RECOVERY]: recovery } = results
  return [
    {
      name: 'what SQLite adds to tasks that do nothing, beside the bare driver',
      unit: '×',
      measured: tasks?.addedFactor.median,
      target: 1.5,
    },
    {
      name: 'appending and reading back events of 1 KB, beside the bare driver',
      unit: '×',
      measured: events?.factor.median,
      // At least 70 % of its rate.
      target: 1 / 0.7,
    },
    { name: 'a page of 100 out of 10,000 executions', unit: 'ms', measured: large?.listMs.median, target: 5 },
    { name: 'a page of 128 out of a million events', unit: 'ms', measured: large?.readMs.median, target: 5 },
    { name: 'an execution restored out of 10,000', unit: 'ms', measured: large?.restoreMs.median, target: 10 },
    {
      name: 'recovery of 10,000 finished and 10 unfinished tasks, to the first new attempt',
      unit: 'ms',
      measured: recovery?.firstAttemptMs.median,
      target: 300,
    },
    { name: 'opening a file of a million events', unit: 'ms', measured: large?.openMs.median, target: 500 },
  ]
}
