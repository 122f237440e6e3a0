import { createLogUpdate } from 'log-update'
import type { SSEEvent } from '../../../events/events.ts'
import type { CommandContext } from '../../process/console.ts'
import { describeEvent } from '../event-lines.ts'
import type { TaskBoard } from './task-board.ts'
import { renderTree } from './task-tree.ts'
import { formatCount } from '../text.ts'

/** Redraw interval, ms: people follow at most ten frames a second. */
const FRAME_MS = 100

/** Maximum number of messages that one frame prints above the tree. */
const MAX_MESSAGES_PER_FRAME = 20

/** The tree of a running execution, redrawn in place on a terminal. */
export interface LiveTree {
  /** Schedules a redraw for an event that the board has already applied. */
  show(event: SSEEvent): void
  /** Prints a line above the tree. */
  say(line: string): void
  /** Leaves the terminal to a question: the tree stays visible, and lines wait. @returns a function that takes it back */
  hold(): () => void
  /** Draws the final state, which remains on the terminal. */
  close(): void
}

/** Starts drawing; until `close`, nothing else may write to `stderr`. */
export function createLiveTree(board: TaskBoard, { stderr, colors }: CommandContext, now: () => number): LiveTree {
  // log-update's type requires a full stream, but it uses only the members of ours. The cursor stays visible: an exit at any
  // time leaves nothing to restore.
  const log = createLogUpdate(stderr.stream as unknown as NodeJS.WritableStream, { showCursor: true })
  let messages: string[] = []
  let withheldCount = 0
  let isHeld = false

  const draw = (): void => {
    if (stderr.error || isHeld) return
    // No tree before the execution has started, such as while connecting to a server.
    const hasBegun = board.state.status !== 'pending'
    if (!hasBegun && messages.length === 0) return
    if (withheldCount > 0) messages.push(`… and ${formatCount(withheldCount)} more messages`)
    if (messages.length > 0) log.persist(messages.join('\n'))
    messages = []
    withheldCount = 0
    if (!hasBegun) return
    // A terminal that does not know its size has 0 of both.
    const rows = stderr.stream.rows || 24
    const columns = stderr.stream.columns || 80
    // One line is reserved for the cursor.
    log(renderTree(board, { rows: Math.max(3, rows - 1), columns: Math.max(20, columns), now: now(), colors }))
  }
  const say = (line: string): void => {
    if (messages.length < MAX_MESSAGES_PER_FRAME) messages.push(line)
    else withheldCount += 1
  }
  const timer = setInterval(draw, FRAME_MS)
  return {
    show(event) {
      // The tree shows starts, ends and retries, but neither a tool's messages nor lines that were refused.
      const line = event.type === 'info' || event.type === 'plan_rejected' ? describeEvent(event, colors) : undefined
      if (line !== undefined) say(line)
    },
    say,
    hold() {
      draw()
      log.done()
      isHeld = true
      return () => void (isHeld = false)
    },
    close() {
      clearInterval(timer)
      isHeld = false
      draw()
      log.done()
    },
  }
}
