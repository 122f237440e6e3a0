import type { Colors } from 'picocolors/types.js'
import type { ExecutionCounts, ExecutionStatus, Reason, TaskResult } from '../../events/events.ts'
import type { TokenUsage } from '../../events/token-usage.ts'
import { describeFailure } from './event-lines.ts'
import { colorGlyph } from './glyphs.ts'
import { formatCount, formatMs, formatNumberOf, formatUsage, toPlainLine } from './text.ts'

/** Maximum number of listed failures, and of listed skipped tasks. */
const MAX_LISTED = 20

/** Input of a summary; an `ExecutionResult` conforms. */
export interface Summarised extends ExecutionCounts {
  readonly status: ExecutionStatus
  readonly reason?: Reason
  readonly results: readonly TaskResult[]
  readonly executionTimeMs: number
  readonly parallelizationLayers: number
  readonly speedup: number
  readonly criticalPathMs: number
  readonly tokenUsage?: TokenUsage
}

/** Renders an ended execution for people: counts, times, failures with reasons, tokens and cost. */
export function renderSummary(result: Summarised, colors: Colors): string {
  const lines = [
    `${renderStatus(result, colors)} ${renderCounts(result)} in ${formatMs(result.executionTimeMs)}`,
    colors.dim(
      `${formatNumberOf(result.parallelizationLayers, 'layer')} · critical path ${formatMs(result.criticalPathMs)}` +
        ` · speedup ${result.speedup.toFixed(2)}×`,
    ),
  ]
  if (result.reason) lines.push(toPlainLine(`${result.reason.code}: ${result.reason.message}`))
  lines.push(...listTasks(result.results, 'error', colors), ...listTasks(result.results, 'skipped', colors))
  if (result.tokenUsage) lines.push(renderUsage(result.tokenUsage))
  return `${lines.join('\n')}\n`
}

/** `Token usage: 1,234 in, 5,678 out, $0.0965`. */
export function renderUsage(usage: TokenUsage): string {
  return `Token usage: ${formatUsage(usage)}`
}

function renderStatus({ status }: Summarised, colors: Colors): string {
  if (status === 'success') return colors.green(colors.bold('success'))
  return (status === 'error' ? colors.red : colors.yellow)(colors.bold(toPlainLine(status)))
}

function renderCounts(counts: ExecutionCounts): string {
  const parts = (
    [
      [counts.successCount, 'succeeded'],
      [counts.errorCount, 'failed'],
      [counts.skippedCount, 'skipped'],
      [counts.cancelledCount, 'cancelled'],
    ] as const
  )
    .filter(([count]) => count > 0)
    .map(([count, how]) => `${formatCount(count)} ${how}`)
  return `${formatNumberOf(counts.totalTasks, 'task')}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`
}

function listTasks(results: readonly TaskResult[], status: 'error' | 'skipped', colors: Colors): string[] {
  const tasks = results.filter(task => task.status === status)
  const lines = tasks.slice(0, MAX_LISTED).map(task => {
    const attempts = task.attempts > 1 ? ` (${task.attempts} attempts)` : ''
    return `  ${colorGlyph(status, colors)} ${toPlainLine(`${task.taskId} ${describeFailure(task)}`)}${attempts}`
  })
  if (tasks.length > MAX_LISTED)
    lines.push(`  … and ${formatCount(tasks.length - MAX_LISTED)} more ${status === 'error' ? 'failed' : 'skipped'}`)
  return lines
}
