import { formatRange, formatTable } from './tables.mjs'

const APPEND = 'machines append'
const ORDERS = 'machines orders'
const QUEUE = 'machines queue'

/** The store in PostgreSQL beside bare statements, and BullMQ beside BullMQ alone; both servers must be installed. */
export function listMachinesCases() {
  return [
    { key: APPEND, kind: 'machines', scenario: 'append', eventCount: 10_000, maxRounds: 3 },
    { key: ORDERS, kind: 'machines', scenario: 'orders', orderCount: 1000, maxRounds: 3 },
    { key: QUEUE, kind: 'machines', scenario: 'queue', orderCount: 2000, maxRounds: 3 },
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
  ]
}

/** The stated figures about many machines. @returns {import('./figures.mjs').Figure[]} */
export function listMachinesFigures(results) {
  return [
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
