import { formatRange, formatTable } from './tables.mjs'

const KEY = 'startup'
const CONTENDERS = {
  bare: '`node -e 0`',
  import: "`import('dagstream')`",
  run: '`dagstream run fixtures/hello.json --json`',
}

/** How long a program takes before and after its work, beside a Node that does nothing. */
export function listStartupCases() {
  return [{ key: KEY, kind: 'startup' }]
}

/** @param {Record<string, any>} results figures by key */
export function reportStartup(results) {
  const figures = results[KEY]
  const rows = Object.entries(CONTENDERS).map(([name, title]) => [
    title,
    formatRange(figures[`${name}WallMs`]),
    formatRange(figures[`${name}CpuMs`]),
  ])
  const title = 'A process, its work subtracted from the time on the clock'
  return [[title, formatTable(['', 'ms', 'ms of CPU'], rows)]]
}

/** The stated figures about start-up. @returns {import('./figures.mjs').Figure[]} */
export function listStartupFigures(results) {
  const figures = results[KEY]
  const beside = (name, what, target) => [
    { name: `${what}, beside bare Node`, unit: '×', measured: figures?.[`${name}WallFactor`].median, target },
    { name: `${what}, beside bare Node, CPU`, unit: '×', measured: figures?.[`${name}CpuFactor`].median, target },
  ]
  return [...beside('import', 'importing the library', 1.5), ...beside('run', 'a command beyond its work', 2)]
}
