import { formatRange, formatTable } from './tables.mjs'

const APPEND = 'machines append'
const ORDERS = 'machines orders'
const QUEUE = 'machines queue'
const TAKEOVERS = 'machines takeovers'
const CANCEL = 'machines cancel'
const VISIBLE = 'machines visible'
const HOP = 'machines hop'
const THROUGHPUT = 'machines throughput'
const BACKLOG = 'machines backlog'
const READERS = 'machines readers'
const TOKENS = 'machines tokens'
const DEAF = 'machines without hints'

/** The store in PostgreSQL beside bare statements, and BullMQ beside BullMQ alone; both servers must be installed. */
export function listMachinesCases() {
  return [
    { key: APPEND, kind: 'machines', scenario: 'append', eventCount: 10_000, maxRounds: 3 },
    { key: ORDERS, kind: 'machines', scenario: 'orders', orderCount: 1000, maxRounds: 3 },
    { key: QUEUE, kind: 'machines', scenario: 'queue', orderCount: 2000, maxRounds: 3 },
    { key: TAKEOVERS, kind: 'machines', scenario: 'takeovers', rounds: 3, maxRounds: 3 },
    { key: CANCEL, kind: 'machines', scenario: 'cancel', count: 100, maxRounds: 3 },
    { key: VISIBLE, kind: 'machines', scenario: 'visible', count: 100, maxRounds: 3 },
    { key: HOP, kind: 'machines', scenario: 'hop', count: 100, warmRounds: 20, rounds: 9, maxRounds: 3 },
    { key: THROUGHPUT, kind: 'machines', scenario: 'throughput', count: 2000, warmRounds: 20, rounds: 9, maxRounds: 3 },
    { key: BACKLOG, kind: 'machines', scenario: 'throughput', count: 20_000, warmRounds: 3, rounds: 5, maxRounds: 1 },
    { key: READERS, kind: 'machines', scenario: 'readers', readerCount: 1000, count: 300, rounds: 3, maxRounds: 3 },
    { key: TOKENS, kind: 'machines', scenario: 'tokens', taskCount: 100, perSecond: 50, seconds: 10, maxRounds: 3 },
    { key: DEAF, kind: 'machines', scenario: 'without hints', count: 60, maxRounds: 3 },
  ]
}

/** @param {Record<string, any>} results figures by key */
export function reportMachines(results) {
  const row = (name, { storeUs, bareUs, factor }) => [
    name,
    formatRange(storeUs),
    formatRange(bareUs),
    formatRange(factor),
  ]
  const rows = [
    row('append an event of 1 KB, 100 at a time', results[APPEND]),
    row('take and settle an order, 10 at a time', results[ORDERS]),
  ]
  const { queueRate, storeRate, bareRate, share } = results[QUEUE]
  const queueRows = [
    ['BullMQ and the store', formatRange(queueRate)],
    ['the store without a queue', formatRange(storeRate)],
    ['BullMQ alone', formatRange(bareRate)],
    ['first to last', formatRange(share)],
  ]
  return [
    ['A store in PostgreSQL', formatTable(['', 'µs, store', 'µs, bare SQL', 'factor'], rows)],
    ['Tasks that do nothing, one worker of 64', formatTable(['', 'tasks/s'], queueRows)],
    ['Two servers and two workers, as processes', formatTable(['', ''], listProcessRows(results))],
  ]
}

function listProcessRows(results) {
  const { workerMs, coordinatorMs } = results[TAKEOVERS]
  const { hopMs, firstHopMs, bareMs } = results[HOP]
  const { perSecond, firstPerSecond, barePerSecond, bareSinglePerSecond, ...cpu } = results[THROUGHPUT]
  return [
    ['takeover from a worker, lease 3 s, ms', formatRange(workerMs)],
    ['takeover from a coordinator, lease 3 s, ms', formatRange(coordinatorMs)],
    ['cancel to signal, p99, ms', formatRange(results[CANCEL].p99)],
    ['an event at another server, p50, ms', formatRange(results[VISIBLE].p50)],
    ['one hop of a chain, ms', formatRange(hopMs)],
    ['the same in the first 100 of new processes', formatRange(firstHopMs)],
    ['round trip of a bare queue, ms', formatRange(bareMs)],
    ['tasks that do nothing, per second', formatRange(perSecond)],
    ['the same for the first 2,000 of new processes', formatRange(firstPerSecond)],
    ['by a bare queue of `SKIP LOCKED`, 32 at a time', formatRange(barePerSecond)],
    ['by it, 1 at a time', formatRange(bareSinglePerSecond)],
    ['tasks that do nothing, 20,000 at once, per second', formatRange(results[BACKLOG].perSecond)],
    ['the same by a bare queue, 32 at a time', formatRange(results[BACKLOG].barePerSecond)],
    ['CPU of a task: coordinator, ms', formatRange(cpu.coordinatorCpuMs)],
    ['two workers', formatRange(cpu.workerCpuMs)],
    ['database', formatRange(cpu.databaseCpuMs)],
    ['database, bare queue, 32 at a time', formatRange(cpu.bareDatabaseCpuMs)],
    ['events to 1,000 readers of two servers, per second', formatRange(results[READERS].two)],
    ['the same of one server on SQLite', formatRange(results[READERS].one)],
    ['100 tasks of 50 tokens/s at another server, p99, ms', formatRange(results[TOKENS].p99)],
    ['tasks of them whose tokens are not whole', formatRange(results[TOKENS].lostCount)],
    ['cores of their coordinator, their other server, their database', listCores(results[TOKENS])],
    ['an event at another server without hints, p99, ms', formatRange(results[DEAF].visibleP99)],
    ['cancel to signal without hints, lease 3 s, maximum, ms', formatRange(results[DEAF].cancelMax)],
  ]
}

function listCores({ coordinator, reader, database }) {
  return [coordinator, reader, database].map(each => formatRange(each)).join(' · ')
}

/** The stated figures about many machines. @returns {import('./figures.mjs').Figure[]} */
export function listMachinesFigures(results) {
  const { [TAKEOVERS]: takeovers, [CANCEL]: cancel, [VISIBLE]: visible, [HOP]: hop } = results
  return [
    { name: 'takeover from a worker, lease 3 s', unit: 'ms', measured: takeovers?.workerMs.median, target: 4500 },
    {
      name: 'takeover from a coordinator, lease 3 s',
      unit: 'ms',
      measured: takeovers?.coordinatorMs.median,
      target: 4500,
    },
    {
      name: 'cancel at one server to the signal at a worker, p99',
      unit: 'ms',
      measured: cancel?.p99.median,
      target: 50,
    },
    {
      name: '1,000 readers over two servers, beside one server on SQLite',
      unit: '×',
      measured: invert(results[READERS]?.factor.median),
      // At least 80 % of its rate.
      target: 1 / 0.8,
    },
    {
      name: '100 tasks of 50 tokens/s, recorded to seen at another server, p99',
      unit: 'ms',
      measured: results[TOKENS]?.p99.median,
      target: 150,
    },
    { name: 'their coordinator', unit: 'cores', measured: results[TOKENS]?.coordinator.median, target: 0.15 },
    { name: 'their database', unit: 'cores', measured: results[TOKENS]?.database.median, target: 0.15 },
    {
      name: 'an event at another server without hints, p99',
      unit: 'ms',
      measured: results[DEAF]?.visibleP99.median,
      target: 1100,
    },
    {
      name: 'cancel to signal without hints, lease 3 s, maximum',
      unit: 'ms',
      measured: results[DEAF]?.cancelMax.median,
      // One renewal.
      target: 1000,
    },
    { name: 'an event at another server, p50', unit: 'ms', measured: visible?.p50.median, target: 10 },
    {
      name: 'one hop of a chain, beside the round trip of a bare queue',
      unit: '×',
      measured: hop?.factor.median,
      target: 2,
    },
    {
      name: 'tasks that do nothing on two workers, beside a bare queue of `SKIP LOCKED`',
      unit: '×',
      measured: invert(results[THROUGHPUT]?.share.median),
      // At least half of its rate.
      target: 2,
    },
    {
      name: 'the same, 20,000 at once',
      unit: '×',
      measured: invert(results[BACKLOG]?.share.median),
      target: 2,
    },
    {
      name: 'appending events of 1 KB to PostgreSQL, beside a bare fenced statement',
      unit: '×',
      measured: results[APPEND]?.factor.median,
      // At least 60 % of its rate.
      target: 1 / 0.6,
    },
    {
      name: 'taking and settling orders, beside a bare queue of `SKIP LOCKED`',
      unit: '×',
      measured: results[ORDERS]?.factor.median,
      target: 4,
    },
    {
      name: 'tasks by BullMQ with their store, beside jobs of BullMQ alone',
      unit: '×',
      measured: invert(results[QUEUE]?.share.median),
      // At least half of its rate.
      target: 2,
    },
  ]
}

function invert(share) {
  return share === undefined ? undefined : 1 / share
}
