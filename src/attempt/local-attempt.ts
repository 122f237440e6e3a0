import type { Clock } from '../clock.ts'
import { DagstreamError } from '../errors.ts'
import type { InfoLevel } from '../events/events.ts'
import type { TokenUsage } from '../events/token-usage.ts'
import { round } from '../round.ts'
import type { PlanRoom } from '../tools/plan-room.ts'
import type { QuestionOptions } from '../tools/tool.ts'
import type { RegisteredTool } from '../tools/registry.ts'
import { type AttemptActions, AttemptContext } from './attempt-context.ts'
import type { AttemptOutcome, AttemptReport } from './attempt-outcome.ts'
import { checkArguments, readDoubles } from './check-arguments.ts'
import type { Deadlines } from './deadlines.ts'
import { isThenable } from './is-thenable.ts'
import { Linked } from './live-attempts.ts'
import { type AskingAttempt, OpenQuestions, rejectLater } from './open-questions.ts'
import { readOutput } from './read-output.ts'
import type { AbortReason, Answer, AttemptCommand, AttemptSink, Progress, Question } from './runner.ts'
import { TokenTimes } from './token-times.ts'
import { readInputError, readToolError } from './tool-error.ts'

/** Timeout of an asynchronous check of arguments, ms; the tool's own timeout begins with its call. */
const CHECK_TIMEOUT_MS = 30_000

/** The part of a runner that an attempt uses. */
export interface LocalAttemptEnvironment {
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly abortGraceMs: number
  /** The attempt has ended; called exactly once. */
  over(attempt: LocalAttempt): void
}

const PREPARING = 0
const CALLING = 1
const OVER = 2

/**
 * One call of one tool, in this process.
 *
 * The first decision counts. After an abort, by its timeout or from outside, later values and errors are discarded, and the
 * attempt ends when the tool has settled or is abandoned after the grace period. Until then usage counts.
 * Hot path: every task creates one. Parts that only some attempts need are created on first use.
 */
export class LocalAttempt extends Linked implements AttemptActions, AskingAttempt {
  readonly key: AttemptCommand
  readonly #environment: LocalAttemptEnvironment
  readonly #tool: RegisteredTool
  readonly #sink: AttemptSink
  #state = PREPARING
  #startedAt = 0
  /** The decision that came before the tool settled. */
  #decided: { readonly outcome: AttemptOutcome; readonly reason: DagstreamError } | undefined = undefined
  #controller: AbortController | undefined = undefined
  #tokens: TokenTimes | undefined = undefined
  #questions: OpenQuestions | undefined = undefined

  constructor(environment: LocalAttemptEnvironment, tool: RegisteredTool, command: AttemptCommand, sink: AttemptSink) {
    super()
    this.#environment = environment
    this.#tool = tool
    this.key = command
    this.#sink = sink
  }

  /** Checks the arguments and calls the tool. */
  start(): void {
    const { arguments: resolved, mayHoldJsonNumbers } = this.key
    const given =
      mayHoldJsonNumbers && !this.#tool.exactNumbers
        ? readDoubles(resolved, message => this.log('warning', message))
        : resolved
    if (!this.#tool.hasSchema) return this.#call(given)
    let checked: unknown
    try {
      checked = checkArguments(this.#tool, given)
    } catch (error) {
      return this.#end(readInputError(error))
    }
    if (!(checked instanceof Promise)) return this.#call(checked)
    this.#startTimeout(CHECK_TIMEOUT_MS, this.#environment.clock.now())
    checked.then(
      value => void (this.#state === PREPARING && this.#call(value)),
      error => void (this.#state === PREPARING && this.#end(readInputError(error))),
    )
  }

  /** Asks the tool to stop, unless the outcome is decided already. */
  abort({ code, message }: AbortReason): void {
    this.#abort({ status: 'cancelled' }, new DagstreamError(code as 'CANCELLED', message))
  }

  /** Called by `Deadlines`: the timeout or, after an abort, the grace period has passed. */
  override expire(): void {
    if (this.#decided !== undefined) return this.#end(this.#decided.outcome, true)
    const { taskId, timeoutMs } = this.key
    const message =
      this.#state === PREPARING
        ? `The check of its arguments did not finish within ${CHECK_TIMEOUT_MS} ms`
        : `Timed out after ${timeoutMs} ms`
    const reason = new DagstreamError('TASK_TIMEOUT', `Task \`${taskId}\`: ${message}`)
    this.#abort({ status: 'error', code: 'TASK_TIMEOUT', message, isRetryable: true }, reason)
  }

  /** The signal of the context, created on first read, since most tools never read it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#decided !== undefined) this.#controller.abort(this.#decided.reason)
    }
    return this.#controller.signal
  }

  emitToken(text: string): void {
    if (!this.#mayEmit()) return
    const piece = typeof text === 'string' ? text : String(text)
    if (piece === '') return
    const now = this.#environment.clock.now()
    this.#tokens ??= new TokenTimes(now)
    this.#tokens.add(now)
    this.#sink.token(piece)
  }

  reportProgress(progress: Progress): void {
    if (this.#mayEmit()) this.#sink.progress(progress ?? {})
  }

  log(level: InfoLevel, message: string): void {
    if (this.#mayEmit()) this.#sink.log(level, message)
  }

  /** Usage counts until the attempt ends, even after its abort: the tokens have been spent. */
  reportUsage(delta: Partial<TokenUsage>): void {
    if (this.#state === OVER) this.#sink.dropped()
    else this.#sink.usage(delta)
  }

  ask(question: QuestionOptions): Promise<unknown> {
    if (this.#decided !== undefined) return rejectLater(this.#decided.reason)
    if (this.#state === OVER) return rejectLater(new DagstreamError('CANCELLED', 'The attempt is over'))
    this.#questions ??= new OpenQuestions(this)
    return this.#questions.ask(question)
  }

  question(question: Question): void {
    this.#sink.question(question)
  }

  get room(): PlanRoom | undefined {
    return this.#sink.planRoom?.()
  }

  get clock(): Clock {
    return this.#environment.clock
  }

  answer(number: number, answer: Answer): void {
    this.#questions?.answer(number, answer, this.#tool.exactNumbers)
  }

  #mayEmit(): boolean {
    if (this.#state !== OVER && this.#decided === undefined) return true
    this.#sink.dropped()
    return false
  }

  #abort(outcome: AttemptOutcome, reason: DagstreamError): void {
    if (this.#decided !== undefined || this.#state === OVER) return
    this.#decided = { outcome, reason }
    if (this.#state === PREPARING) return this.#end(outcome)
    const { deadlines, clock, abortGraceMs } = this.#environment
    deadlines.remove(this)
    deadlines.set(this, this.key.abortGraceMs ?? abortGraceMs, clock.now())
    this.#questions?.close(reason)
    // Must be last: listeners run here and may settle the tool.
    this.#controller?.abort(reason)
  }

  #call(args: unknown): void {
    this.#state = CALLING
    this.#startedAt = this.#environment.clock.now()
    this.#startTimeout(this.key.timeoutMs, this.#startedAt)
    try {
      const returned = this.#tool.execute(args, new AttemptContext(this, this.key))
      if (!isThenable(returned)) this.#fulfil(returned)
      else {
        Promise.resolve(returned).then(
          value => this.#fulfil(value),
          error => this.#reject(error),
        )
      }
    } catch (error) {
      this.#reject(error)
    }
  }

  #startTimeout(timeoutMs: number, now: number): void {
    const { deadlines } = this.#environment
    deadlines.remove(this)
    if (timeoutMs > 0) deadlines.set(this, timeoutMs, now)
  }

  stopTimeout(): number {
    const { clock, deadlines } = this.#environment
    if (this.deadlineQueue === undefined) return Number.NaN
    deadlines.remove(this)
    return Math.max(0, this.deadlineAt - clock.now())
  }

  #fulfil(value: unknown): void {
    if (this.#state === OVER) return
    if (this.#decided !== undefined) return this.#end(this.#decided.outcome)
    let outcome: AttemptOutcome
    try {
      outcome = readOutput(value, message => this.log('warning', message))
    } catch (error) {
      return this.#reject(error)
    }
    if (outcome.status !== 'success') return this.#end(outcome)
    const { status, output } = outcome
    const executionTimeMs = this.#finish()
    this.#sink.settled({ status, output, executionTimeMs, metrics: this.#measure(executionTimeMs) })
  }

  #reject(error: unknown): void {
    if (this.#state !== OVER) this.#end(this.#decided?.outcome ?? readToolError(error))
  }

  #end(outcome: AttemptOutcome, abandoned = false): void {
    const executionTimeMs = this.#finish()
    this.#sink.settled({ ...outcome, executionTimeMs, metrics: this.#measure(executionTimeMs), abandoned })
  }

  /** @returns the time that the tool took, ms */
  #finish(): number {
    const { clock, deadlines } = this.#environment
    const waitedMs = this.#questions?.waitedMs ?? 0
    const executionTimeMs = this.#state === CALLING ? round(clock.now() - this.#startedAt - waitedMs) : 0
    this.#state = OVER
    deadlines.remove(this)
    this.#questions?.close(new DagstreamError('CANCELLED', 'The attempt is over'))
    this.#environment.over(this)
    return executionTimeMs
  }

  #measure(executionTimeMs: number): AttemptReport['metrics'] {
    return this.#tokens?.measure(this.#startedAt, executionTimeMs)
  }
}
