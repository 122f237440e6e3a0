import type { Clock } from '../clock.ts'
import { DagstreamError } from '../errors.ts'
import type { InfoLevel } from '../events/events.ts'
import { addTokenUsage, sanitizeTokenUsage, type TokenUsage } from '../events/token-usage.ts'
import type { PlannedTask } from '../plan/execution-plan.ts'
import { type AttemptActions, AttemptContext } from './attempt-context.ts'
import type { AttemptOutcome } from './attempt-outcome.ts'
import { type Deadlines, Expiring } from './deadlines.ts'
import type { Emissions, Progress } from './emissions.ts'
import { readOutput } from './read-output.ts'
import { round } from './round.ts'
import { TokenStream } from './token-stream.ts'
import { readInputError, readToolError } from './tool-error.ts'

/** How long an asynchronous check of arguments may take, ms: the tool's own time begins with its call. */
const CHECK_TIMEOUT_MS = 30_000

/** What an attempt needs of its execution, and what it tells it. */
export interface AttemptHost {
  readonly executionId: string
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly emissions: Emissions
  readonly abortGraceMs: number
  /** How long an attempt of this task may take, ms; 0 for as long as it likes. */
  timeoutOf(task: PlannedTask): number
  /** Resolves the task's arguments; a promise only where their check is asynchronous. */
  prepare(attempt: Attempt): unknown
  /** The attempt is over; called exactly once. */
  settled(attempt: Attempt): void
}

/** How an attempt was decided before its tool had settled. */
interface Abortion {
  readonly outcome: AttemptOutcome
  readonly reason: DagstreamError
}

/**
 * One call of one tool, in this process.
 *
 * The first decision wins: once it is aborted — by its timeout or from outside — later values and errors are discarded, and
 * the attempt is over when the tool has settled or, after the grace, been abandoned. Until then usage still counts.
 *
 * Every task makes one of these, so what only some attempts need is made when they do.
 */
export class Attempt extends Expiring implements AttemptActions {
  readonly task: PlannedTask
  readonly index: number
  readonly number: number
  /** Known once it is over; an execution may refuse an output after that. */
  outcome: AttemptOutcome | undefined = undefined
  /** From the tool call to its end, ms. */
  durationMs = 0
  usage: TokenUsage | undefined = undefined
  /** What it streamed, if anything. */
  tokens: TokenStream | undefined = undefined
  /** Set by its execution when it failed and another attempt follows. */
  retryDelayMs: number | undefined = undefined
  isAbandoned = false
  readonly #host: AttemptHost
  #state: 'new' | 'preparing' | 'calling' | 'over' = 'new'
  #startedAt = 0
  #abortion: Abortion | undefined
  #controller: AbortController | undefined

  constructor(host: AttemptHost, task: PlannedTask, index: number, number: number) {
    super()
    this.#host = host
    this.task = task
    this.index = index
    this.number = number
  }

  get executionId(): string {
    return this.#host.executionId
  }

  /** It has not been started. */
  get isNew(): boolean {
    return this.#state === 'new'
  }

  get isOver(): boolean {
    return this.#state === 'over'
  }

  /** By the execution's clock; known once it is over. */
  get endedAt(): number {
    return this.#startedAt + this.durationMs
  }

  /** Of what it streamed. */
  get metrics(): ReturnType<TokenStream['measure']> | undefined {
    return this.tokens?.measure(this.#startedAt, this.durationMs)
  }

  /** Prepares the arguments and calls the tool. An attempt that was aborted before ends without a call. */
  start(): void {
    if (this.#abortion !== undefined) return this.#end(this.#abortion.outcome)
    this.#state = 'preparing'
    let args: unknown
    try {
      args = this.#host.prepare(this)
    } catch (error) {
      return this.#end(readInputError(error))
    }
    if (!(args instanceof Promise)) return this.#call(args)
    this.#startTimeout(CHECK_TIMEOUT_MS, this.#host.clock.now())
    args.then(
      prepared => {
        if (this.#state === 'preparing') this.#call(prepared)
      },
      error => {
        if (this.#state === 'preparing') this.#end(readInputError(error))
      },
    )
  }

  /** Decides how the attempt ends, unless that is decided already, and asks the tool to stop. */
  abort(outcome: AttemptOutcome, reason: DagstreamError): void {
    if (this.#abortion !== undefined || this.isOver) return
    this.#abortion = { outcome, reason }
    if (this.#state === 'preparing') return this.#end(outcome)
    if (this.#state === 'new') return
    const { deadlines, clock, abortGraceMs } = this.#host
    deadlines.remove(this)
    deadlines.set(this, abortGraceMs, clock.now())
    // Last, since listeners run here and may settle the tool.
    this.#controller?.abort(reason)
  }

  /** For `Deadlines`: the timeout or, after an abort, the grace has passed. */
  override expire(): void {
    if (this.#abortion !== undefined) {
      this.isAbandoned = true
      return this.#end(this.#abortion.outcome)
    }
    const message =
      this.#state === 'preparing'
        ? `The check of its arguments did not answer within ${CHECK_TIMEOUT_MS} ms`
        : `Timed out after ${this.#host.timeoutOf(this.task)} ms`
    const reason = new DagstreamError('TASK_TIMEOUT', `Task \`${this.task.id}\`: ${message}`)
    this.abort({ status: 'error', code: 'TASK_TIMEOUT', message, isRetryable: true }, reason)
  }

  /** For the context: made on first read, since most tools never look. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abortion !== undefined) this.#controller.abort(this.#abortion.reason)
    }
    return this.#controller.signal
  }

  emitToken(text: string): void {
    if (!this.#mayEmit()) return
    const piece = typeof text === 'string' ? text : String(text)
    if (piece === '') return
    const now = this.#host.clock.now()
    this.tokens ??= new TokenStream(now)
    this.tokens.add(piece, now)
    this.#host.emissions.token(this, this.tokens)
  }

  reportProgress(progress: Progress): void {
    if (this.#mayEmit()) this.#host.emissions.progress(this, progress ?? {})
  }

  log(level: InfoLevel, message: string): void {
    if (this.#mayEmit()) this.#host.emissions.info(this, level, message)
  }

  /** Usage counts until the attempt is over, also after its abort: the tokens have been spent. */
  reportUsage(delta: Partial<TokenUsage>): void {
    const { emissions } = this.#host
    if (this.isOver) return emissions.drop(this)
    const { usage, rejected } = sanitizeTokenUsage(delta)
    if (rejected.length > 0 && this.#abortion === undefined) {
      emissions.info(this, 'warning', `Token usage left out what is not a finite number ≥ 0: ${rejected.join(', ')}`)
    }
    if (Object.keys(usage).length === 0) return
    this.usage = addTokenUsage(this.usage, usage)
    emissions.usage(usage)
  }

  #mayEmit(): boolean {
    if (!this.isOver && this.#abortion === undefined) return true
    this.#host.emissions.drop(this)
    return false
  }

  #call(args: unknown): void {
    this.#state = 'calling'
    this.#startedAt = this.#host.clock.now()
    this.#startTimeout(this.#host.timeoutOf(this.task), this.#startedAt)
    try {
      const returned = this.task.tool.execute(args, new AttemptContext(this))
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
    const { deadlines } = this.#host
    deadlines.remove(this)
    if (timeoutMs > 0) deadlines.set(this, timeoutMs, now)
  }

  #fulfil(value: unknown): void {
    if (this.isOver) return
    if (this.#abortion !== undefined) return this.#end(this.#abortion.outcome)
    let outcome: AttemptOutcome
    try {
      outcome = readOutput(value, message => this.#host.emissions.info(this, 'warning', message))
    } catch (error) {
      return this.#reject(error)
    }
    this.#end(outcome)
  }

  #reject(error: unknown): void {
    if (!this.isOver) this.#end(this.#abortion?.outcome ?? readToolError(error))
  }

  #end(outcome: AttemptOutcome): void {
    const { clock, deadlines } = this.#host
    const now = clock.now()
    if (this.#state === 'calling') this.durationMs = round(now - this.#startedAt)
    else this.#startedAt = now
    this.#state = 'over'
    this.outcome = outcome
    deadlines.remove(this)
    this.#host.settled(this)
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
