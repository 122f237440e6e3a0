/** @jsxImportSource preact */
import type { JSX } from 'preact'
import { formatCount } from './format.ts'

/** Numbers of tasks by status; absent ones are 0. */
export interface Counts {
  readonly totalTasks?: number
  readonly successCount?: number
  readonly errorCount?: number
  readonly skippedCount?: number
  readonly cancelledCount?: number
  readonly runningCount?: number
}

const PARTS = [
  ['success', 'successCount'],
  ['error', 'errorCount'],
  ['cancelled', 'cancelledCount'],
  ['skipped', 'skippedCount'],
  ['running', 'runningCount'],
] as const

/** A bar of the shares, with the numbers of ended and of all tasks, and of failures, as text. */
export function CountBar({ counts }: { readonly counts: Counts }): JSX.Element {
  const total = counts.totalTasks ?? 0
  const ended = PARTS.slice(0, 4).reduce((sum, [, field]) => sum + (counts[field] ?? 0), 0)
  const { errorCount = 0 } = counts
  let x = 0
  return (
    <span class="counts">
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false">
        <rect class="rest" width="100" height="6" />
        {PARTS.map(([status, field]) => {
          const width = total === 0 ? 0 : ((counts[field] ?? 0) / total) * 100
          x += width
          return width === 0 ? null : <rect key={status} class={status} x={x - width} width={width} height="6" />
        })}
      </svg>
      <span>
        {formatCount(ended)}/{formatCount(total)}
      </span>
      {errorCount > 0 && <span class="error">{formatCount(errorCount)} failed</span>}
    </span>
  )
}
