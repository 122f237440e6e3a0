import type { Colors } from 'picocolors/types.js'
import type { TaskState } from '../../events/state.ts'
import { countColumns, fitColumns } from './columns.ts'
import { colorGlyph, GLYPHS } from './glyphs.ts'
import type { ActiveTask, TaskBoard } from './task-board.ts'
import { formatCount, formatMs, formatUsage, toPlainLine } from './text.ts'

/** The viewport of a tree. */
export interface TreeView {
  /** Available lines and columns. */
  readonly rows: number
  readonly columns: number
  /** Current time on the board's clock, ms. */
  readonly now: number
  readonly colors: Colors
}

/**
 * The tasks of an execution by layer, one per line, in at most `rows` lines.
 *
 * If not all fit, running tasks come first, then the most recently ended; one line summarizes the rest. The cost of a frame
 * depends on the viewport, never on the number of tasks.
 */
export function renderTree(board: TaskBoard, view: TreeView): string {
  const lineCount = 1 + board.layers.length + board.state.counts.totalTasks
  const fitsWhole = lineCount <= view.rows
  const shown = fitsWhole ? board.layers.map(ids => [...ids]) : chooseTasks(board, view.rows - 2)
  const lines = [renderHead(board, view)]
  let shownCount = 0
  shown.forEach((ids, layer) => {
    const size = board.layers[layer]?.length ?? 0
    const ended = board.endedByLayer[layer] ?? 0
    lines.push(dimLine(`layer ${layer + 1} · ${formatCount(ended)}/${formatCount(size)}`, view))
    for (const id of ids) {
      const task = board.state.tasks.get(id)
      if (task) lines.push(renderTask(task, board, view))
    }
    shownCount += ids.length
  })
  if (!fitsWhole) lines.push(dimLine(renderRest(board, shownCount), view))
  return lines.join('\n')
}

function dimLine(text: string, { columns, colors }: TreeView): string {
  return colors.dim(fitColumns(text, columns))
}

function renderHead({ state, startedAt, endedCount }: TaskBoard, { now, columns, colors }: TreeView): string {
  const { name = 'workflow', schedule, counts, totals, tokenUsage } = state
  const facts = [
    toPlainLine(schedule ?? ''),
    `${formatCount(endedCount)}/${formatCount(counts.totalTasks)} tasks`,
    formatMs(totals?.totalExecutionTimeMs ?? now - startedAt),
    tokenUsage ? formatUsage(tokenUsage) : '',
  ].filter(fact => fact !== '')
  const title = fitColumns(toPlainLine(name), Math.max(8, columns - 60))
  return `${colors.bold(title)} ${fitColumns(`· ${facts.join(' · ')}`, columns - countColumns(title) - 1)}`
}

function renderTask(task: TaskState, board: TaskBoard, { now, columns, colors }: TreeView): string {
  const active = board.active.get(task.taskId)
  const glyph = active?.retry ? colors.yellow(GLYPHS.retry) : colorGlyph(task.status, colors)
  const facts = describeFacts(task, active, board, now)
  // Two columns for the indent, up to two for the glyph, one for a space.
  const room = Math.max(8, columns - 5)
  const name = fitColumns(
    toPlainLine(task.taskId),
    Math.max(8, room - Math.min(countColumns(facts) + 2, Math.floor(room / 2))),
  )
  const rest = fitColumns(facts, Math.max(1, room - countColumns(name) - 2))
  return `  ${glyph} ${task.status === 'pending' ? colors.dim(name) : name}${rest === '' ? '' : `  ${colors.dim(rest)}`}`
}

function describeFacts(task: TaskState, active: ActiveTask | undefined, { usage }: TaskBoard, now: number): string {
  const facts: string[] = []
  if (task.result && task.attempts > 0) facts.push(formatMs(task.result.executionTimeMs))
  else if (active?.retry)
    facts.push(`again in ${formatMs(Math.max(0, active.retry.delayMs - (now - active.startedAt)))}`)
  else if (active) facts.push(formatMs(now - active.startedAt))
  if (task.attempts > 1) facts.push(`attempt ${task.attempts}`)
  const spent = usage.get(task.taskId)
  if (spent) facts.push(formatUsage(spent))
  if (active && task.progress) {
    const { progress, total, message } = task.progress
    facts.push(`${progress}${total === undefined ? '' : `/${total}`}${message === undefined ? '' : ` ${message}`}`)
  }
  if (active?.retry) facts.push(active.retry.error)
  const { error, causedBy } = task.result ?? {}
  if (error !== undefined) facts.push(causedBy === undefined ? error : `because of ${causedBy}`)
  return toPlainLine(facts.join(' · '))
}

/** Selects the tasks to show by layer within `lines`, including each layer's heading. */
function chooseTasks(board: TaskBoard, lines: number): string[][] {
  const chosen: string[][] = []
  let left = lines
  const add = (id: string): void => {
    const layer = board.state.tasks.get(id)?.layer ?? 0
    const cost = chosen[layer] ? 1 : 2
    if (left < cost) return
    left -= cost
    chosen[layer] = [...(chosen[layer] ?? []), id]
  }
  for (const id of [...board.active.keys()].slice(0, lines)) add(id)
  for (const id of board.recent.toReversed()) add(id)
  return chosen
}

function renderRest({ state, active, endedCount }: TaskBoard, shownCount: number): string {
  const { totalTasks, successCount } = state.counts
  const waiting = totalTasks - endedCount - active.size
  const parts = [
    `${formatCount(totalTasks - shownCount)} not shown`,
    `${formatCount(active.size)} running`,
    `${formatCount(waiting)} waiting`,
    `${formatCount(successCount)} succeeded`,
  ]
  if (endedCount > successCount) parts.push(`${formatCount(endedCount - successCount)} did not`)
  return `… ${parts.join(' · ')}`
}
