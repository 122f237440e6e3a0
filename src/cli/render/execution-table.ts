import type { ExecutionHead } from '../target/execution-source.ts'
import { countColumns, fitColumns, padColumns } from './columns.ts'
import { formatCount, formatMs, toPlainLine } from './text.ts'

/** Maximum width of a name, columns; a longer one is cut. */
const MAX_NAME_COLUMNS = 40

const SECOND_MS = 1000
const UNITS = [
  ['d', 86_400 * SECOND_MS],
  ['h', 3600 * SECOND_MS],
  ['m', 60 * SECOND_MS],
] as const

/**
 * Renders executions for people, one per line under a heading; empty columns are omitted.
 * @param now ms since 1970
 */
export function renderExecutions(heads: readonly ExecutionHead[], now: number): string {
  if (heads.length === 0) return ''
  const rows = [
    ['id', 'status', 'age', 'tasks', 'time', 'name'],
    ...heads.map(head => [
      toPlainLine(head.executionId),
      toPlainLine(head.status),
      head.createdAt === undefined ? '' : formatAge(now - Date.parse(head.createdAt)),
      describeTasks(head),
      head.executionTimeMs === undefined ? '' : formatMs(head.executionTimeMs),
      head.name === undefined ? '' : fitColumns(toPlainLine(head.name), MAX_NAME_COLUMNS),
    ]),
  ]
  const widths = [0, 1, 2, 3, 4, 5].map(column => {
    const [heading = '', ...cells] = rows.map(row => row[column] as string)
    return cells.every(cell => cell === '') ? 0 : Math.max(heading.length, ...cells.map(countColumns))
  })
  const renderRow = (row: readonly string[]): string =>
    row
      .map((cell, column) => padColumns(cell, widths[column] as number))
      .filter((_, column) => widths[column] !== 0)
      .join('  ')
      .trimEnd()
  return `${rows.map(renderRow).join('\n')}\n`
}

/** `12`, or once ended `10/12` if ten succeeded. */
function describeTasks({ totalTasks, successCount }: ExecutionHead): string {
  if (totalTasks === undefined) return ''
  return successCount === undefined
    ? formatCount(totalTasks)
    : `${formatCount(successCount)}/${formatCount(totalTasks)}`
}

/** `12s`, `5m`, `3h`, `4d`. Negative ages, after a clock was set back, count as 0. */
function formatAge(ms: number): string {
  if (Number.isNaN(ms)) return ''
  for (const [unit, size] of UNITS) if (ms >= size) return `${Math.floor(ms / size)}${unit}`
  return `${Math.max(0, Math.floor(ms / SECOND_MS))}s`
}
