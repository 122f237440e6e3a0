import { indentOf, renderTask, type TreeView } from './task-line.ts'
import type { TaskBoard } from './task-board.ts'
import { openChildren } from './task-groups.ts'
import { countColumns, fitColumns } from '../columns.ts'
import { formatCount, formatMs, formatUsage, toPlainLine } from '../text.ts'

/** Below this width the head leaves out what matters less, columns. */
const NARROW = 60

/**
 * The tasks of an execution by layer, one per line, in at most `rows` lines. A parent has its counts in its line, and what is
 * of interest of its children below.
 *
 * If not all tasks of the document fit, running ones come first, then the most recently ended; one line summarizes the rest.
 * The cost of a frame depends on the viewport, never on the number of tasks.
 */
export function renderTree(board: TaskBoard, view: TreeView): string {
  const noted = board.state.isUnsealed ? 1 : 0
  const rows = view.rows - noted
  const lineCount = 1 + board.layers.length + board.topCount
  const fitsWhole = lineCount <= rows
  const shown = fitsWhole ? board.layers.map(ids => [...ids]) : chooseTasks(board, rows - 2)
  const opened = new Opened(board, view)
  const taken = shown.reduce((sum, ids) => sum + 1 + ids.length, 1 + (fitsWhole ? 0 : 1))
  opened.share(shown, rows - taken)
  const lines = [renderHead(board, view)]
  shown.forEach((ids, layer) => {
    // All of its tasks were removed.
    if (ids.length === 0) return
    const size = board.layers[layer]?.length ?? 0
    const ended = board.endedByLayer[layer] ?? 0
    const name = layer >= (board.state.finallyFrom ?? Number.POSITIVE_INFINITY) ? 'finally' : `layer ${layer + 1}`
    lines.push(dimLine(`${name} · ${formatCount(ended)}/${formatCount(size)}`, view))
    for (const id of ids) opened.add(id, lines)
  })
  if (!fitsWhole) lines.push(dimLine(renderRest(board, opened.taskCount), view))
  if (noted > 0) lines.push(dimLine('… the plan is still being written', view))
  return lines.join('\n')
}

/** The lines of tasks, with the children that are opened below them. */
class Opened {
  readonly #board: TaskBoard
  readonly #view: TreeView
  #left = 0
  /** Tasks that have something to open and are not drawn yet. */
  #parentCount = 0
  taskCount = 0

  constructor(board: TaskBoard, view: TreeView) {
    this.#board = board
    this.#view = view
  }

  /** Shares the lines that are left among the tasks that have something to open. */
  share(shown: readonly (readonly string[])[], left: number): void {
    this.#left = left
    this.#parentCount = 0
    shown.forEach(ids => {
      for (const id of ids) if (this.#opens(id)) this.#parentCount += 1
    })
  }

  /** Draws a task of the document. */
  add(id: string, lines: string[]): void {
    this.#draw(id, 0, lines)
    if (!this.#opens(id)) return
    this.#left -= this.#addChildren(id, 1, Math.ceil(this.#left / this.#parentCount), lines)
    this.#parentCount -= 1
  }

  #opens(id: string): boolean {
    const group = this.#board.groups.of(id)
    if (group === undefined) return false
    const { ids, rest } = openChildren(group, 1)
    return ids.length > 0 || rest !== undefined
  }

  /** @returns the number of lines, at most `room` */
  #addChildren(id: string, depth: number, room: number, lines: string[]): number {
    const group = this.#board.groups.of(id)
    if (group === undefined) return 0
    const { ids, rest } = openChildren(group, room)
    let left = room - ids.length - (rest === undefined ? 0 : 1)
    for (const child of ids) {
      this.#draw(child, depth, lines)
      left -= this.#addChildren(child, depth + 1, left, lines)
    }
    if (rest !== undefined) lines.push(dimLine(`${indentOf(depth, this.#view.columns)}${rest}`, this.#view))
    return room - left
  }

  #draw(id: string, depth: number, lines: string[]): void {
    const task = this.#board.state.tasks.get(id)
    if (task === undefined) return
    lines.push(renderTask(task, depth, this.#board, this.#view))
    this.taskCount += 1
  }
}

function dimLine(text: string, { columns, colors }: TreeView): string {
  return colors.dim(fitColumns(text, columns))
}

function renderHead(board: TaskBoard, { now, columns, colors }: TreeView): string {
  const { state, startedAt, endedCount } = board
  const { name = 'workflow', schedule, counts, totals, tokenUsage } = state
  const left = board.describeLeft(now) ?? ''
  const isNarrow = columns < NARROW
  const facts = [
    isNarrow ? '' : toPlainLine(schedule ?? ''),
    `${formatCount(endedCount)}/${formatCount(counts.totalTasks)} tasks`,
    isNarrow && left !== '' ? '' : formatMs(totals?.totalExecutionTimeMs ?? now - startedAt),
    left,
    tokenUsage ? formatUsage(tokenUsage) : '',
  ].filter(fact => fact !== '')
  const title = fitColumns(toPlainLine(name), Math.max(8, columns - 60))
  return `${colors.bold(title)} ${fitColumns(`· ${facts.join(' · ')}`, columns - countColumns(title) - 1)}`
}

/** Selects the tasks of the document to show by layer within `lines`, including each layer's heading. */
function chooseTasks(board: TaskBoard, lines: number): string[][] {
  const chosen: string[][] = []
  let left = lines
  let hasGroup = false
  const add = (id: string): void => {
    const layer = board.state.tasks.get(id)?.layer ?? 0
    const cost = chosen[layer] ? 1 : 2
    if (left < cost) return
    left -= cost
    chosen[layer] = [...(chosen[layer] ?? []), id]
    hasGroup ||= board.groups.of(id) !== undefined
  }
  for (const id of board.activeTop) {
    if (left <= 0) break
    add(id)
  }
  // Half of the rest is for the children of what runs.
  const reserved = hasGroup ? Math.floor(left / 2) : 0
  left -= reserved
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
