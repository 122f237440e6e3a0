import type { SSEEvent } from '../../events/events.ts'
import { LastLayer } from '../../events/last-layer.ts'
import type { Execution } from '../../engine/executors/execution.ts'
import type { ExecutionResult } from '../../engine/execution-result.ts'
import type { BufferOptions } from '../../log/reader-bound.ts'
import { encode } from '../../sse/encode.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'
import { describeNext, type Interrupts, listenForInterrupts } from '../process/interrupts.ts'
import { canAsk } from '../input/question-prompts.ts'
import { createLineViewer, createViewer, SILENT_VIEWER, type Viewer } from '../render/viewer.ts'
import type { TerminalQuestions } from './terminal-questions.ts'

/** An execution that a command follows, in this process or on a server. */
export interface FollowedExecution {
  readonly events: AsyncIterable<SSEEvent>
  /** Called once the events have ended. */
  readonly result: () => Promise<ExecutionResult>
  /**
   * Called on Ctrl-C or when the reader of the events has left: cancels or detaches. Called again, by a second Ctrl-C, only if it
   * cancels and there are `finally` tasks: ends those.
   */
  readonly stop: (why: string) => void
  /** Answers an open question. */
  readonly answer?: (inputId: string, response: unknown) => Promise<void>
  /** Whether `stop` cancels; decides the message on Ctrl-C. */
  readonly isCancelling?: true
}

/** The reader of a command may pause indefinitely, behind a pipe (`| less`): it never counts as disconnected. */
export const COMMAND_BUFFER: BufferOptions = { stallTimeoutMs: Number.POSITIVE_INFINITY }

/** An execution of this process; stopping cancels it. */
export function followLocally(execution: Execution): FollowedExecution {
  const stop = (why: string): void => execution.cancel(why)
  const answer = (inputId: string, response: unknown): Promise<void> => execution.answer(inputId, response)
  return { events: execution, result: () => execution.result, stop, answer, isCancelling: true }
}

/** Options of `follow`. */
export interface FollowOptions {
  /** Whether the events go to stdout, as Server-Sent Events. */
  readonly sse?: true
  /** Whether to print lines even on a terminal: a tree needs all events from the first. */
  readonly isPartial?: boolean
  /** Whether a workflow within the workflow may have `finally` tasks: its events only show its own ones. */
  readonly hasFinally?: boolean
  /** Whether questions are asked on a terminal that can. @defaultValue true */
  readonly isAttended?: boolean
  /** Replaces the tree or the lines. */
  readonly viewer?: Viewer
  /** Starts or attaches to the execution. An error it throws ends the command. */
  readonly begin: (viewer: Viewer) => FollowedExecution
}

/** Outcome of a followed execution. */
export interface Followed {
  readonly result: ExecutionResult
  /** The ids of the last layer's tasks, before `finally`; `undefined` if the events did not list the layers. */
  readonly lastLayer: readonly string[] | undefined
}

/**
 * Shows an execution until it ends. Shared by `run`, local and remote, and `watch`.
 *
 * The first Ctrl-C stops; a second one ends the `finally` tasks that a cancellation leaves, if there are any; the next one exits
 * at once. A reader that leaves stops too, detected at the next write.
 * @throws any error of `begin`, the events or the result
 */
export async function follow(options: FollowOptions, context: CommandContext): Promise<Followed> {
  const { process, stdout, notices } = context
  const viewer = options.viewer ?? (await chooseViewer(options, context))
  // Keeps the process alive: a tool may wait for something that does not.
  const alive = setInterval(() => {}, 60_000)
  let interrupts: Interrupts | undefined
  let isStopped = false
  let { hasFinally = false } = options
  const lastLayer = new LastLayer()
  let questions: TerminalQuestions | undefined
  try {
    notices.showIn(viewer)
    const execution = options.begin(viewer)
    const stop = (why: string): void => {
      if (!isStopped) execution.stop(why)
      isStopped = true
    }
    const hasSecond = (): boolean => execution.isCancelling === true && hasFinally
    const interrupt = (signal: string, count: number): void => {
      if (count > 1) {
        void viewer.say(`Ending the finally tasks; ${describeNext(signal)}`)
        return execution.stop('Interrupted')
      }
      const effect = hasSecond() ? 'end the finally tasks' : undefined
      if (execution.isCancelling) void viewer.say(`Cancelling; ${describeNext(signal, effect)}`)
      stop('Interrupted')
    }
    interrupts = listenForInterrupts(process, interrupt, hasSecond)
    const { raise } = interrupts
    // A log that is shown as bytes on the same terminal leaves no room for questions.
    const { answer } = execution
    if (answer !== undefined && options.isAttended !== false && canAsk(process) && viewer !== SILENT_VIEWER) {
      const { TerminalQuestions: Questions } = await import('./terminal-questions.ts')
      questions = new Questions({ process, viewer, answer, onInterrupt: () => raise('SIGINT') })
    }
    for await (const event of execution.events) {
      lastLayer.apply(event)
      if (event.type === 'execution_start') hasFinally ||= event.data.finallyFrom !== undefined
      if (options.sse && !(await stdout.write(encode(event)))) {
        stop(stdout.isClosed ? 'The reader of the events has left' : 'The events cannot be written')
      }
      await viewer.show(event)
      questions?.show(event)
    }
    return { result: await execution.result(), lastLayer: lastLayer.ids }
  } finally {
    questions?.close()
    notices.showIn(undefined)
    viewer.close()
    clearInterval(alive)
    interrupts?.stop()
  }
}

/** Maps the result of an execution to the exit code. */
export function toExitCode({ status, reason }: ExecutionResult): ExitCode {
  if (status === 'success') return 0
  return reason?.code === 'CANCELLED' ? 130 : 1
}

async function chooseViewer({ sse, isPartial }: FollowOptions, context: CommandContext): Promise<Viewer> {
  // Events and a tree on the same terminal would interleave.
  if (sse && context.stdout.stream.isTTY) return SILENT_VIEWER
  return isPartial ? createLineViewer(context) : createViewer(context)
}
