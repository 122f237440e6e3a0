import { createLogUpdate } from 'log-update'
import type { SSEEvent } from '../../events/events.ts'
import type { CommandContext } from '../process/console.ts'
import { describeEvent } from './event-lines.ts'
import type { TaskBoard } from './task-board.ts'
import { renderTree } from './task-tree.ts'
import { formatCount } from './text.ts'

/** Ten drawings a second are as many as people can follow. */
const FRAME_MS = 100

/** How many messages one drawing may leave above the tree. */
const MAX_MESSAGES_PER_FRAME = 20

/** The tree of a running execution, drawn again in its place on a terminal. */
export interface LiveTree {
  /** Something happened; the board knows it already. */
  show(event: SSEEvent): void
  /** Leaves a line above the tree. */
  say(line: string): void
  /** Draws the last state and leaves it standing. */
  close(): void
}

/** Starts drawing; until `close`, nothing else may write to `stderr`. */
export function createLiveTree(board: TaskBoard, { stderr, colors }: CommandContext, now: () => number): LiveTree {
  // log-update asks for a whole stream and uses what ours has. The cursor stays: an exit at any moment leaves nothing to restore.
  const log = createLogUpdate(stderr.stream as unknown as NodeJS.WritableStream, { showCursor: true })
  let messages: string[] = []
  let withheldCount = 0

  const draw = (): void => {
    if (stderr.error) return
    // Where nothing has begun, such as while a server is being reached, there is no tree yet.
    const hasBegun = board.state.status !== 'pending'
    if (!hasBegun && messages.length === 0) return
    if (withheldCount > 0) messages.push(`… and ${formatCount(withheldCount)} more messages`)
    if (messages.length > 0) log.persist(messages.join('\n'))
    messages = []
    withheldCount = 0
    if (!hasBegun) return
    const { rows = 24, columns = 80 } = stderr.stream
    // A line is left for the cursor.
    log(renderTree(board, { rows: Math.max(3, rows - 1), columns: Math.max(20, columns), now: now(), colors }))
  }
  const say = (line: string): void => {
    if (messages.length < MAX_MESSAGES_PER_FRAME) messages.push(line)
    else withheldCount += 1
  }
  const timer = setInterval(draw, FRAME_MS)
  return {
    show(event) {
      // Starts, ends and retries are in the tree; what a tool says is not.
      const line = event.type === 'info' ? describeEvent(event, colors) : undefined
      if (line !== undefined) say(line)
    },
    say,
    close() {
      clearInterval(timer)
      draw()
      log.done()
    },
  }
}
