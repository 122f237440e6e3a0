import { onAbort } from '../../abort-signals.ts'
import { afterTurn, type Clock } from '../../clock.ts'
import type { InputQuestion } from '../../events/events.ts'
import type { ExecutionCommands } from '../../host/execution-commands.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import { listInputsOf } from '../../host/listing/input-list.ts'
import type { LogCursor } from '../../log/log-cursor.ts'
import type { McpCall } from './mcp-call.ts'
import { ProgressReports } from './progress-reports.ts'

/** Size of one read of the log, bytes. */
const READ_BYTES = 256 * 1024

/** The parts of a wait. */
export interface WaitParts {
  readonly clock: Clock
  readonly commands: ExecutionCommands
  /** The longest time to wait, ms. */
  readonly waitMs: number
  /** Position in the log from which on tasks are reported. */
  readonly afterSeq: number
  /** The person who answers, as the server knows them. */
  readonly by: string | undefined
}

/**
 * Waits for the end of an execution on behalf of one call: reports its tasks, and asks the person at the host its questions, one
 * after the other.
 *
 * It ends at the end of the execution, after `waitMs`, when the call is cancelled, and when the execution only waits for answers that
 * the host cannot ask for.
 */
export class ExecutionWait {
  readonly #hosted: HostedExecution
  readonly #call: McpCall
  readonly #parts: WaitParts
  readonly #reports: ProgressReports | undefined
  /** Questions that were asked here: none is asked twice. */
  readonly #asked = new Set<string>()
  readonly #ending = new AbortController()
  #asking: { readonly inputId: string; readonly controller: AbortController } | undefined
  #isOver = false
  #wake: () => void = () => {}

  constructor(hosted: HostedExecution, call: McpCall, parts: WaitParts) {
    this.#hosted = hosted
    this.#call = call
    this.#parts = parts
    this.#reports = call.report && new ProgressReports(call.report)
  }

  /** Never rejects because of the host. @throws what the store throws */
  async run(): Promise<void> {
    const { clock, waitMs, afterSeq } = this.#parts
    const cursor = this.#hosted.log.open(afterSeq)
    const leave = this.#hosted.disconnectPolicy.join()
    const end = (): void => {
      this.#isOver = true
      this.#wake()
    }
    const stopTimer = clock.after(waitMs, end)
    const stopListening = onAbort(this.#call.signal, end)
    try {
      await this.#follow(cursor)
    } finally {
      stopTimer()
      stopListening()
      this.#ending.abort()
      this.#asking?.controller.abort()
      cursor.close()
      leave()
    }
  }

  async #follow(cursor: LogCursor): Promise<void> {
    const { log } = this.#hosted
    while (!this.#isOver) {
      const entries = await cursor.take(READ_BYTES)
      await this.#reports?.follow(entries, log.state)
      if (cursor.done) return
      if (entries.length > 0) continue
      if (log.state.inputs !== undefined) {
        // The loop takes note of an entry only after its readers.
        await new Promise<void>(afterTurn)
        if (this.#isOnlyAnsweredElsewhere()) return
        if (cursor.position !== log.head) continue
      }
      await this.#nextChange(cursor)
    }
  }

  /** Resolves with the next entry, answer or end. */
  #nextChange(cursor: LogCursor): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
      cursor.onReadable(resolve)
      if (this.#isOver) resolve()
    })
  }

  /** Asks the next question; whether the execution only waits for answers that nobody is asked for here. */
  #isOnlyAnsweredElsewhere(): boolean {
    const open = listInputsOf(this.#hosted)
    const { elicit } = this.#call
    if (this.#asking !== undefined && !open.some(({ inputId }) => inputId === this.#asking?.inputId)) {
      // It was answered elsewhere.
      this.#asking.controller.abort()
    }
    if (this.#asking === undefined && elicit !== undefined) {
      const next = open.find(({ inputId }) => !this.#asked.has(inputId))
      if (next !== undefined) void this.#ask(next, elicit)
    }
    return this.#asking === undefined && this.#hosted.isPersonAwaited
  }

  /** Never rejects: a question that cannot be asked stays open. */
  async #ask(question: InputQuestion, elicit: NonNullable<McpCall['elicit']>): Promise<void> {
    const { inputId } = question
    const controller = new AbortController()
    this.#asked.add(inputId)
    this.#asking = { inputId, controller }
    try {
      const answer = await elicit(question, controller.signal)
      const { commands, by } = this.#parts
      if (answer !== undefined && !this.#ending.signal.aborted) {
        await commands.answer(this.#hosted.executionId, inputId, answer, by)
      }
    } catch {
      // The host failed, the answer does not fit, or another one came first: the result of the call shows open questions.
    } finally {
      this.#asking = undefined
      this.#wake()
    }
  }
}
