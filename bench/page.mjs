import { fileURLToPath } from 'node:url'
import { MAX_PAGE_BYTES, measurePage } from '../scripts/page.mjs'
import { hasBrowser } from './page-browser.mjs'
import { formatRange, formatTable } from './tables.mjs'

const KEY = 'page'
const TASK_COUNT = 10_000

/** What the page costs in a browser; nothing is measured where there is none. */
export function listPageCases() {
  if (hasBrowser()) return [{ key: KEY, kind: 'page', taskCount: TASK_COUNT, maxRounds: 3 }]
  process.stderr.write('page: left out, since /usr/bin/chromium is not installed\n')
  return []
}

/** @param {Record<string, any>} results figures by key */
export function reportPage(results) {
  const found = results[KEY]
  if (found === undefined) return []
  const rows = [
    ['first paint on loopback, ms', formatRange(found.firstPaintMs)],
    ['an execution of 10,000 tasks, until all are shown, ms', formatRange(found.openMs)],
    ['of that, work of the page, ms', formatRange(found.openCpuMs)],
    ['time between frames at 1,000 events/s beside 10,000 tasks, p99, ms', formatRange(found.frameP99Ms)],
    ['the longest, ms', formatRange(found.frameMaxMs)],
    ['heap after that, MB', formatRange(found.heapMB)],
    ['all files, gzip, bytes', measureBytes().toLocaleString('en')],
  ]
  return [['The page in Chromium, without a GPU', formatTable(['', ''], rows)]]
}

/** The stated figures. @returns {import('./figures.mjs').Figure[]} */
export function listPageFigures(results) {
  const found = results[KEY]
  const figures = [
    ['first paint of the page', 'ms', found?.firstPaintMs.median, 300],
    ['the page opens 10,000 tasks', 'ms', found?.openMs.median, 1000],
    ['time between frames of the page at 1,000 events/s, p99', 'ms', found?.frameP99Ms.median, 50],
    ['heap of the page', 'MB', found?.heapMB.median, 150],
    ['files of the page, gzip', 'bytes', measureBytes(), MAX_PAGE_BYTES],
  ]
  return figures.map(([name, unit, measured, target]) => ({ name, unit, measured, target }))
}

function measureBytes() {
  const sizes = measurePage(fileURLToPath(new URL('../dist/page', import.meta.url)))
  return Object.values(sizes).reduce((sum, size) => sum + size, 0)
}
