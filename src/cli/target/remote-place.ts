import { type Client, createClient, type RemoteExecuteOptions } from '../../client/create-client.ts'
import { describeCause } from '../../client/describe-cause.ts'
import type { RemoteExecution } from '../../client/remote-execution.ts'
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

/** How long after Ctrl-C a server may take to answer that it cancels, and to be connected to again where that was lost, ms. */
const STOP_MS = 5000

/**
 * Where a command has come to in an execution on a server, and how it leaves.
 *
 * A connection that is lost is told, and had again; a server that was never reached is told at once, as an error: it is more
 * likely a wrong address than a short fault. After Ctrl-C nothing is tried again: the server is asked once to cancel, and its
 * end is waited for as long as the connection holds.
 */
export class RemotePlace {
  /** The totals that the events have told so far. */
  tokenUsage: TokenUsage | undefined
  readonly #flags: ServerFlags
  #executionId: string | undefined
  #lastEventId: string | undefined
  /** Aborted once nothing is waited for any more. */
  readonly #leaving = new AbortController()
  #isStopped = false
  /** The server has taken the cancellation on. */
  #isCancelling = false
  /** From a lost connection to the next event. */
  #isLost = false
  #stopTimer: (() => void) | undefined

  constructor(flags: ServerFlags) {
    this.#flags = flags
  }

  /** Hands a workflow in and follows it; to stop cancels it. @throws UsageError for a token that no request can carry */
  start(
    workflow: DAGStructure,
    options: Omit<RemoteExecuteOptions, 'signal'>,
    process: CliProcess,
    viewer: Viewer,
  ): FollowedExecution {
    const { signal } = this.#leaving
    const execution = this.#connect(process, viewer).stream(workflow, { ...options, signal })
    // It never rejects.
    const stop = (): void => void this.#cancel(execution, viewer)
    return { events: this.#note(execution), result: () => execution.result, stop, isCancelling: true }
  }

  /** Follows one that is there; to stop lets go of it. @throws as `start` */
  watch(executionId: string, after: string | undefined, process: CliProcess, viewer: Viewer): FollowedExecution {
    this.#executionId = executionId
    this.#lastEventId = after
    const { signal } = this.#leaving
    const options = { signal, ...(after !== undefined && { after }) }
    const execution = this.#connect(process, viewer).subscribe(executionId, options)
    return { events: this.#note(execution), result: () => execution.result, stop: () => this.#leaving.abort() }
  }

  /** Whether an error says only that the command has let go. */
  hasLeftWith(error: unknown): boolean {
    return this.#leaving.signal.aborted && error === this.#leaving.signal.reason
  }

  /** The command that goes on from here; `undefined` before the server has told of an execution. */
  describeResume({ command }: CliProcess): string | undefined {
    if (this.#executionId === undefined) return undefined
    const after = this.#lastEventId === undefined ? '' : ` --after ${this.#lastEventId}`
    return `${command} watch ${this.#executionId} --server ${quoteWord(this.#flags.server)}${after}`
  }

  /**
   * Tells what became of an execution whose end was not seen, and how to follow it again.
   * @returns 130 after Ctrl-C @throws `error` otherwise
   */
  async endAfter(error: unknown, { stderr, process }: CommandContext): Promise<130> {
    const code = error instanceof DagstreamError ? error.code : undefined
    const isWithdrawn = code === 'CANCELLED'
    const isGone = code === 'CONNECTION_LOST' || this.hasLeftWith(error)
    const resume = this.describeResume(process)
    if (isWithdrawn) await stderr.write(`${(error as Error).message}\n`)
    else if (isGone && resume !== undefined) {
      const told = this.#isCancelling ? 'The server is cancelling the execution' : 'The execution may still run'
      await stderr.write(`${told}. To follow it again:\n  ${resume}\n`)
    }
    if (this.#isStopped && (isWithdrawn || isGone)) return 130
    throw error
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
    this.#stopTimer = systemClock.after(STOP_MS, () => this.#leaving.abort())
    try {
      await execution.cancel({ signal: this.#leaving.signal })
      this.#isCancelling = true
    } catch (error) {
      // What ends the following is told where that ends. A refusal does not: what runs has not ended until its events say so.
      const isRefused = this.#executionId !== undefined && !this.hasLeftWith(error)
      if (isRefused) await viewer.say(`Cannot cancel: ${toPlainLine(describeCause(error))}`)
    }
    // Else there is nobody yet who would tell of the end.
    if (!this.#isLost) this.#stopTimer()
  }

  /** Passes events on; each counts as seen once the next is asked for, so that none is missed that was not shown. */
  async *#note(events: AsyncIterable<SSEEvent>): AsyncGenerator<SSEEvent, void, undefined> {
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
