import { formatRange, formatTable } from './tables.mjs'

const APPEND = 'machines append'
const ORDERS = 'machines orders'

/** The store in PostgreSQL, which must be installed, beside bare statements in the same run. */
export function listMachinesCases() {
  return [
    { key: APPEND, kind: 'machines', scenario: 'append', eventCount: 10_000, maxRounds: 3 },
    { key: ORDERS, kind: 'machines', scenario: 'orders', orderCount: 1000, maxRounds: 3 },
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
  return [['A store in PostgreSQL', formatTable(['', 'µs, store', 'µs, bare SQL', 'factor'], rows)]]
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
  ]
}
