import type { Colors } from 'picocolors/types.js'
import type { TaskState } from '../../../events/execution-state.ts'
import { describeOrigin } from '../event-lines.ts'
import { colorGlyph, GLYPHS } from '../glyphs.ts'
import type { ActiveTask, TaskBoard } from './task-board.ts'
import { describeGroup } from './task-groups.ts'
import { countColumns, fitColumns } from '../columns.ts'
import { formatMs, formatUsage, toPlainLine } from '../text.ts'

/** The viewport of a tree. */
export interface TreeView {
  /** Available lines and columns. */
  readonly rows: number
  readonly columns: number
  /** Current time on the board's clock, ms. */
  readonly now: number
  readonly colors: Colors
}

/** One task in a tree. @param depth 0 for a task of the document */
export function renderTask(task: TaskState, depth: number, board: TaskBoard, view: TreeView): string {
  const { columns, colors } = view
  const active = board.active.get(task.taskId)
  const glyph = active?.retry ? colors.yellow(GLYPHS.retry) : colorGlyph(task.status, colors)
  const facts = describeFacts(task, active, board, view.now)
  const indent = indentOf(depth, columns)
  // Up to two columns for the glyph, one for a space.
  const room = Math.max(8, columns - indent.length - 3)
  const name = fitColumns(
    toPlainLine(nameTask(task)),
    Math.max(8, room - Math.min(countColumns(facts) + 2, Math.floor(room / 2))),
  )
  const rest = fitColumns(facts, Math.max(1, room - countColumns(name) - 2))
  const shownName = task.status === 'pending' ? colors.dim(name) : name
  return `${indent}${glyph} ${shownName}${rest === '' ? '' : `  ${colors.dim(rest)}`}`
}

/** Two columns for each level, at most a quarter of the width beside the first. */
export function indentOf(depth: number, columns: number): string {
  return ' '.repeat(2 + Math.min(2 * depth, Math.floor(columns / 4)))
}

/** A child stands below its parent, whose id begins its own: `[3]`, `fetch`. */
function nameTask({ taskId, parentId }: TaskState): string {
  if (parentId === undefined || !taskId.startsWith(parentId)) return taskId
  const own = taskId.slice(parentId.length)
  return own.startsWith('/') ? own.slice(1) : own
}

function describeFacts(task: TaskState, active: ActiveTask | undefined, board: TaskBoard, now: number): string {
  const facts: string[] = []
  const group = board.groups.of(task.taskId)
  if (group) facts.push(describeGroup(group))
  if (task.result && task.attempts > 0) facts.push(formatMs(task.result.executionTimeMs))
  else if (active?.retry)
    facts.push(`again in ${formatMs(Math.max(0, active.retry.delayMs - (now - active.startedAt)))}`)
  else if (active) facts.push(formatMs(now - active.startedAt))
  if (task.attempts > 1) facts.push(`attempt ${task.attempts}`)
  const spent = board.usage.get(task.taskId)
  if (spent) facts.push(formatUsage(spent))
  if (active && task.progress) {
    const { progress, total, message } = task.progress
    facts.push(`${progress}${total === undefined ? '' : `/${total}`}${message === undefined ? '' : ` ${message}`}`)
  }
  if (active?.retry) facts.push(active.retry.error)
  const { error, causedBy, optional, reusedFrom } = task.result ?? {}
  if (reusedFrom !== undefined) facts.push(describeOrigin(reusedFrom, task.taskId))
  if (optional) facts.push('tolerated')
  if (error !== undefined) facts.push(causedBy === undefined ? error : `because of ${causedBy}`)
  return toPlainLine(facts.join(' · '))
}
