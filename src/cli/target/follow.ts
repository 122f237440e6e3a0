import type { SSEEvent } from '../../events/events.ts'
import type { ExecutionResult } from '../../engine/execution-result.ts'
import { encode } from '../../sse/encode.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'
import { describeSecond, listenForInterrupts } from '../process/interrupts.ts'
import { createLineViewer, createViewer, SILENT_VIEWER, type Viewer } from '../render/viewer.ts'

/** An execution that a command follows, whether it runs in this process or on a server. */
export interface FollowedExecution {
  readonly events: AsyncIterable<SSEEvent>
  /** Asked for once the events have ended. */
  readonly result: () => Promise<ExecutionResult>
  /** Ctrl-C was pressed, or whoever read the events has left: cancels, or lets go. Called at most once. */
  readonly stop: (why: string) => void
  /** Whether `stop` cancels, which is said when Ctrl-C calls it. */
  readonly isCancelling?: true
}

/** How an execution is followed. */
export interface FollowOptions {
  /** Whether the events go to stdout, as Server-Sent Events. */
  readonly sse?: true
  /** Whether people see lines even where a tree could be drawn: it needs the events from the first on. */
  readonly isPartial?: boolean
  /** Shows it instead of a tree or lines. */
  readonly viewer?: Viewer
  /** Starts it, or begins to follow it. What it throws ends the command. */
  readonly begin: (viewer: Viewer) => FollowedExecution
}

/** What was followed to its end. */
export interface Followed {
  readonly result: ExecutionResult
  /** The ids of the tasks on which no other waits; `undefined` if the events did not say. */
  readonly lastLayer: readonly string[] | undefined
}

/**
 * Shows an execution until it ends: the one path of `run`, here and on a server, and of `watch`.
 *
 * The first Ctrl-C stops, a second one exits at once. A reader of the events that leaves stops too: that shows at the next write.
 * @throws what `begin`, the events and the result throw
 */
export async function follow(options: FollowOptions, context: CommandContext): Promise<Followed> {
  const { process, stdout, notices } = context
  const viewer = options.viewer ?? (await chooseViewer(options, context))
  // A tool may wait for something that keeps no process alive; the execution does.
  const alive = setInterval(() => {}, 60_000)
  let stopListening = (): void => {}
  let isStopped = false
  let lastLayer: readonly string[] | undefined
  try {
    notices.showIn(viewer)
    const execution = options.begin(viewer)
    const stop = (why: string): void => {
      if (!isStopped) execution.stop(why)
      isStopped = true
    }
    stopListening = listenForInterrupts(process, signal => {
      if (execution.isCancelling) void viewer.say(`Cancelling; ${describeSecond(signal)}`)
      stop('Interrupted')
    })
    for await (const event of execution.events) {
      if (event.type === 'execution_start') lastLayer = event.data.layers.at(-1) ?? []
      if (options.sse && !(await stdout.write(encode(event)))) {
        stop(stdout.isClosed ? 'The reader of the events has left' : 'The events cannot be written')
      }
      await viewer.show(event)
    }
    return { result: await execution.result(), lastLayer }
  } finally {
    notices.showIn(undefined)
    viewer.close()
    clearInterval(alive)
    stopListening()
  }
}

/** What the end of an execution makes of the process. */
export function toExitCode({ status, reason }: ExecutionResult): ExitCode {
  if (status === 'success') return 0
  return reason?.code === 'CANCELLED' ? 130 : 1
}

async function chooseViewer({ sse, isPartial }: FollowOptions, context: CommandContext): Promise<Viewer> {
  // Events on a terminal: a tree beside them would tear them apart.
  if (sse && context.stdout.stream.isTTY) return SILENT_VIEWER
  return isPartial ? createLineViewer(context) : createViewer(context)
}
