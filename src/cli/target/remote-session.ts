import { type Client, createClient, type RemoteExecuteOptions } from '../../client/create-client.ts'
import { describeCause } from '../../client/describe-cause.ts'
import type { RemoteExecution } from '../../client/remote-execution.ts'
import type { PlanSource } from '../../engine/growth/plan-lines.ts'
import { systemClock } from '../../clock.ts'
import { DagstreamError } from '../../errors.ts'
import type { SSEEvent } from '../../events/events.ts'
import type { TokenUsage } from '../../events/token-usage.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import type { CliProcess, CommandContext } from '../process/console.ts'
import type { FollowedExecution } from './follow.ts'
import { describeServer, type ServerFlags } from './server-connection.ts'
import { quoteWord } from '../process/shell.ts'
import { formatMs, toPlainLine } from '../render/text.ts'
import type { Viewer } from '../render/viewer.ts'

/** Time after Ctrl-C for the server to acknowledge the cancellation, and for a lost connection to be restored, ms. */
const STOP_MS = 5000

/**
 * The session of a command with an execution on a server: its position, and how it ends.
 *
 * A lost connection is reported and restored. A server that was never reached is an immediate error: a wrong address is
 * likelier than a transient fault. After Ctrl-C nothing is retried: the server is asked once to cancel, and the command waits
 * for the end as long as the connection holds.
 */
export class RemoteSession {
  /** Totals that the events have reported so far. */
  tokenUsage: TokenUsage | undefined
  readonly #flags: ServerFlags
  #executionId: string | undefined
  #lastEventId: string | undefined
  /** Aborted when the command stops waiting. */
  readonly #leaving = new AbortController()
  #isStopped = false
  /** The server has accepted the cancellation. */
  #isCancelling = false
  /** True from a lost connection until the next event. */
  #isLost = false
  #stopTimer: (() => void) | undefined

  constructor(flags: ServerFlags) {
    this.#flags = flags
  }

  /** Submits a workflow, or the name of one that the server has, and follows it; stopping cancels it. @throws UsageError for a token that no request can carry */
  start(
    workflow: DAGStructure | string,
    options: Omit<RemoteExecuteOptions, 'signal'>,
    process: CliProcess,
    viewer: Viewer,
  ): FollowedExecution {
    const { signal } = this.#leaving
    return this.#follow(this.#connect(process, viewer).stream(workflow, { ...options, signal }), viewer)
  }

  /** Sends a plan while it is written, and follows its execution; stopping cancels it. @throws as `start` */
  startPlan(source: PlanSource, process: CliProcess, viewer: Viewer): FollowedExecution {
    const { signal } = this.#leaving
    return this.#follow(this.#connect(process, viewer).streamPlan(source, { signal }), viewer)
  }

  /** Follows an existing execution; stopping detaches from it. @throws as `start` */
  watch(executionId: string, after: string | undefined, process: CliProcess, viewer: Viewer): FollowedExecution {
    this.#executionId = executionId
    this.#lastEventId = after
    const { signal } = this.#leaving
    const options = { signal, ...(after !== undefined && { after }) }
    const execution = this.#connect(process, viewer).subscribe(executionId, options)
    const stop = (): void => this.#leaving.abort()
    return { events: this.#track(execution), result: () => execution.result, stop, answer: answerBy(execution) }
  }

  /** Whether an error only reports that the command detached. */
  hasLeftWith(error: unknown): boolean {
    return this.#leaving.signal.aborted && error === this.#leaving.signal.reason
  }

  /** The command that resumes from this position; `undefined` before the server has named an execution. */
  describeResume({ command }: CliProcess): string | undefined {
    if (this.#executionId === undefined) return undefined
    const after = this.#lastEventId === undefined ? '' : ` --after ${this.#lastEventId}`
    return `${command} watch ${this.#executionId} --server ${quoteWord(this.#flags.server)}${after}`
  }

  /**
   * Reports an execution whose end was not observed, and how to follow it again.
   * @returns 130 after Ctrl-C @throws `error` otherwise
   */
  async endAfter(error: unknown, { stderr, process }: CommandContext): Promise<130> {
    const code = error instanceof DagstreamError ? error.code : undefined
    const isAborted = code === 'CANCELLED'
    const isGone = code === 'CONNECTION_LOST' || this.hasLeftWith(error)
    const resume = this.describeResume(process)
    if (isAborted) await stderr.write(`${(error as Error).message}\n`)
    else if (isGone && resume !== undefined) {
      const told = this.#isCancelling ? 'The server is cancelling the execution' : 'The execution may still run'
      await stderr.write(`${told}. To follow it again:\n  ${resume}\n`)
    }
    if (this.#isStopped && (isAborted || isGone)) return 130
    throw error
  }

  #follow(execution: RemoteExecution, viewer: Viewer): FollowedExecution {
    // Never rejects.
    const stop = (): void => void this.#cancel(execution, viewer)
    const answer = answerBy(execution)
    return { events: this.#track(execution), result: () => execution.result, stop, answer, isCancelling: true }
  }

  #connect(process: CliProcess, viewer: Viewer): Client {
    return createClient({
      ...describeServer(this.#flags, process),
      reconnection: {
        onReconnect: async ({ error, delayMs }) => {
          this.#isLost = true
          if (this.#isStopped) return this.#leaving.abort()
          await viewer.say(`${toPlainLine(describeCause(error))}; trying again in ${formatMs(delayMs)}`)
        },
      },
    })
  }

  async #cancel(execution: RemoteExecution, viewer: Viewer): Promise<void> {
    this.#isStopped = true
    this.#stopTimer?.()
    this.#stopTimer = systemClock.after(STOP_MS, () => this.#leaving.abort())
    try {
      await execution.cancel({ signal: this.#leaving.signal })
      this.#isCancelling = true
    } catch (error) {
      // An error that ends the stream is reported there. A refused cancellation does not end it: the execution runs until its
      // events end.
      const isRefused = this.#executionId !== undefined && !this.hasLeftWith(error)
      if (isRefused) await viewer.say(`Cannot cancel: ${toPlainLine(describeCause(error))}`)
    }
    // Otherwise no reader would report the end.
    if (!this.#isLost) this.#stopTimer()
  }

  /** Forwards events; an event counts as seen once the next is requested, so that a resume repeats any that was not shown. */
  async *#track(events: AsyncIterable<SSEEvent>): AsyncGenerator<SSEEvent, void, undefined> {
    try {
      for await (const event of events) {
        this.#executionId = event.data.executionId
        this.#isLost = false
        if (this.#isCancelling) this.#stopTimer?.()
        if (event.type === 'token_usage') this.tokenUsage = event.data.executionTokenUsage
        else if (event.type === 'snapshot') this.tokenUsage = event.data.tokenUsage ?? this.tokenUsage
        yield event
        this.#lastEventId = event.id ?? this.#lastEventId
      }
    } finally {
      this.#stopTimer?.()
    }
  }
}

function answerBy(execution: RemoteExecution): NonNullable<FollowedExecution['answer']> {
  return (inputId, response) => execution.answer(inputId, response)
}
