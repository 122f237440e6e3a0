import type { Colors } from 'picocolors/types.js'
import type { DocumentTaskResult } from '../../engine/task-results.ts'
import type { ExecutionCounts, ExecutionStatus, Reason } from '../../events/events.ts'
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
  readonly results: readonly DocumentTaskResult[]
  readonly outputError?: { readonly code: string; readonly message: string }
  readonly executionTimeMs: number
  readonly parallelizationLayers: number
  readonly speedup: number
  readonly criticalPathMs: number
  readonly tokenUsage?: TokenUsage
}

/** Renders an ended execution for people: counts, times, failures with reasons, tokens and cost. */
export function renderSummary(result: Summarised, colors: Colors): string {
  const found = findNotable(result.results)
  const lines = [
    `${renderStatus(result, colors)} ${renderCounts(result, found)} in ${formatMs(result.executionTimeMs)}`,
    colors.dim(
      `${formatNumberOf(result.parallelizationLayers, 'layer')} · critical path ${formatMs(result.criticalPathMs)}` +
        ` · speedup ${result.speedup.toFixed(2)}×`,
    ),
  ]
  if (result.reason) lines.push(toPlainLine(`${result.reason.code}: ${result.reason.message}`))
  lines.push(...listTasks(found, 'error', colors), ...listTasks(found, 'skipped', colors))
  if (result.outputError)
    lines.push(toPlainLine(`no output: ${result.outputError.code}: ${result.outputError.message}`))
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

function renderCounts(counts: ExecutionCounts, { error, skips }: Notable): string {
  const tolerated = error.toleratedCount > 0 ? ` (${formatCount(error.toleratedCount)} tolerated)` : ''
  const parts = (
    [
      [counts.successCount, 'succeeded'],
      [counts.errorCount, `failed${tolerated}`],
      [counts.skippedCount, `skipped${renderSkips(skips)}`],
      [counts.cancelledCount, 'cancelled'],
    ] as const
  )
    .filter(([count]) => count > 0)
    .map(([count, how]) => `${formatCount(count)} ${how}`)
  return `${formatNumberOf(counts.totalTasks, 'task')}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`
}

/** ` (2 CONDITION_FALSE, 1 DEPENDENCY_FAILED)`; nothing where all were skipped because of a failure. */
function renderSkips(skips: ReadonlyMap<string, number>): string {
  if ([...skips.keys()].every(code => code === 'DEPENDENCY_FAILED')) return ''
  return ` (${Array.from(skips, ([code, count]) => `${formatCount(count)} ${toPlainLine(code)}`).join(', ')})`
}

/** The tasks of a result, with children, that a summary lists. */
interface Notable {
  readonly error: Listing
  readonly skipped: Listing
  /** Number of skipped tasks by code. */
  readonly skips: ReadonlyMap<string, number>
}

interface Listing {
  /** The first ones, each parent before its children. */
  readonly tasks: { readonly task: DocumentTaskResult; readonly isTolerated: boolean }[]
  count: number
  toleratedCount: number
}

function findNotable(results: readonly DocumentTaskResult[]): Notable {
  const error: Listing = { tasks: [], count: 0, toleratedCount: 0 }
  const skipped: Listing = { tasks: [], count: 0, toleratedCount: 0 }
  const skips = new Map<string, number>()
  const visit = (task: DocumentTaskResult, isInTolerated: boolean): void => {
    const { status, code = 'skipped', optional = false } = task
    const isTolerated = isInTolerated || optional
    if (status === 'error' || status === 'skipped') {
      const listing = status === 'error' ? error : skipped
      listing.count += 1
      if (isTolerated) listing.toleratedCount += 1
      if (listing.tasks.length < MAX_LISTED) listing.tasks.push({ task, isTolerated })
    }
    if (status === 'skipped') skips.set(code, (skips.get(code) ?? 0) + 1)
    // At most as deep as workflows are nested.
    // A parent that succeeds tolerates the failures of its children.
    for (const child of task.items ?? task.tasks ?? []) visit(child, isTolerated || status === 'success')
  }
  for (const task of results) visit(task, false)
  return { error, skipped, skips }
}

function listTasks(found: Notable, status: 'error' | 'skipped', colors: Colors): string[] {
  const { tasks, count } = found[status]
  const lines = tasks.map(({ task, isTolerated }) => {
    const attempts = task.attempts > 1 ? ` (${task.attempts} attempts)` : ''
    const tolerated = isTolerated && status === 'error' ? ' (tolerated)' : ''
    return `  ${colorGlyph(status, colors)} ${toPlainLine(`${task.taskId} ${describeFailure(task)}`)}${attempts}${tolerated}`
  })
  if (count > tasks.length)
    lines.push(`  … and ${formatCount(count - tasks.length)} more ${status === 'error' ? 'failed' : 'skipped'}`)
  return lines
}
