import type { SSEEvent } from '../../events/events.ts'
import type { CommandContext } from '../process/console.ts'
import { FanOutLines } from './fan-out-lines.ts'

/** The view of a running execution for people. */
export interface Viewer {
  /** Shows one event, in order; the next waits until this has settled. */
  show(event: SSEEvent): void | Promise<void>
  /** Prints a line for people. */
  say(line: string): void | Promise<void>
  /** Leaves the terminal to a question. @returns a function that takes it back */
  hold?(): () => void
  /** Whether `say` drops every line. */
  readonly isSilent?: boolean
  /** Draws the final state and releases the terminal. */
  close(): void
}

/** Shows nothing. */
export const SILENT_VIEWER: Viewer = { show() {}, say() {}, close() {}, isSilent: true }

/** A live tree where `stderr` is a terminal that can draw one, else one line per notable event. */
export async function createViewer(context: CommandContext): Promise<Viewer> {
  const { stderr, process } = context
  // A terminal that reports no size cannot draw a tree either.
  if (!stderr.stream.isTTY || stderr.stream.columns === 0 || process.env['TERM'] === 'dumb') {
    return createLineViewer(context)
  }
  // Loaded lazily: drawing takes as long to load as everything else.
  const [{ createLiveTree }, { TaskBoard }] = await Promise.all([
    import('./tree/live-tree.ts'),
    import('./tree/task-board.ts'),
  ])
  const board = new TaskBoard()
  const tree = createLiveTree(board, context, now)
  return {
    ...tree,
    show(event) {
      board.apply(event, now())
      tree.show(event)
    },
  }
}

/** Prints one line per notable event; of a fan-out what fails, and its end. */
export function createLineViewer({ stderr, colors }: CommandContext): Viewer {
  const lines = new FanOutLines(colors)
  return {
    async show(event) {
      const line = lines.describe(event)
      if (line !== undefined) await stderr.write(`${line}\n`)
    },
    async say(line) {
      await stderr.write(`${line}\n`)
    },
    close() {},
  }
}

function now(): number {
  return performance.now()
}
