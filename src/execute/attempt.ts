import type { Clock } from '../clock.ts'
import { DagstreamError } from '../errors.ts'
import type { InfoLevel, TaskCode } from '../events/events.ts'
import { JsonValue, NotSerializableError } from '../events/json-value.ts'
import { addTokenUsage, sanitizeTokenUsage, type TokenUsage } from '../events/token-usage.ts'
import type { PlannedTask } from '../plan/execution-plan.ts'
import type { ToolContext } from '../tools/tool.ts'
import { AttemptContext } from './attempt-context.ts'
import { type Deadlines, Expiring } from './deadlines.ts'
import type { Emissions } from './emissions.ts'
import { readInputError, readToolError } from './tool-error.ts'

/** How an attempt ended. */
export type AttemptOutcome =
  | { readonly status: 'success'; readonly output: JsonValue }
  | {
      readonly status: 'error'
      readonly code: TaskCode
      readonly message: string
      /** Whether another attempt could end differently. */
      readonly isRetryable: boolean
      readonly retryAfterMs?: number
    }
  | { readonly status: 'cancelled'; readonly message: string }

/** What an attempt needs of its execution, and what it tells it. */
export interface AttemptHost {
  readonly executionId: string
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly abortGraceMs: number
  /** Resolves the task's arguments; a promise only where their check is asynchronous. */
  prepare(task: PlannedTask): unknown
  readonly emissions: Emissions
  /** The attempt is over; called exactly once. */
  settled(attempt: Attempt): void
}

/**
 * One call of one tool, in this process.
 *
 * The first decision wins: once it is aborted — by its timeout or from outside — later values and errors are discarded, and
 * the attempt is over when the tool has settled or, after the grace, been abandoned. Until then usage still counts.
 */
export class Attempt extends Expiring {
  readonly task: PlannedTask
  readonly index: number
  readonly number: number
  readonly #host: AttemptHost
  readonly #timeoutMs: number
  #state: 'new' | 'preparing' | 'calling' | 'over' = 'new'
  #decision: AttemptOutcome | undefined
  #reason: DagstreamError | undefined
  #controller: AbortController | undefined
  #startedAt = 0
  #firstTokenAt = 0
  #lastTokenAt = 0

  /** Known once it is over. */
  outcome: AttemptOutcome | undefined = undefined
  /** By the execution's clock. */
  endedAt = 0
  /** From the tool call to its end, ms. */
  durationMs = 0
  isAbandoned = false
  usage: TokenUsage | undefined = undefined
  tokenCount = 0
  /** Tokens not recorded yet. */
  pendingText = ''
  /** Set by its execution when it failed and another attempt follows. */
  retryDelayMs: number | undefined = undefined

  constructor(host: AttemptHost, task: PlannedTask, index: number, number: number, timeoutMs: number) {
    super()
    this.#host = host
    this.task = task
    this.index = index
    this.number = number
    this.#timeoutMs = timeoutMs
  }

  get isOver(): boolean {
    return this.#state === 'over'
  }

  /** Prepares the arguments and calls the tool. An attempt that was aborted before ends without a call. */
  start(): void {
    if (this.#decision !== undefined) return this.#end(this.#decision)
    this.#state = 'preparing'
    let args: unknown
    try {
      args = this.#host.prepare(this.task)
    } catch (error) {
      return this.#end(readInputError(error))
    }
    if (!(args instanceof Promise)) return this.#call(args)
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
  abort(decision: AttemptOutcome, reason: DagstreamError): void {
    if (this.#decision !== undefined || this.isOver) return
    this.#decision = decision
    this.#reason = reason
    if (this.#state === 'preparing') return this.#end(decision)
    if (this.#state === 'new') return
    const { deadlines, clock, abortGraceMs } = this.#host
    deadlines.remove(this)
    deadlines.set(this, abortGraceMs, clock.now())
    // Last, since listeners run here and may settle the tool.
    this.#controller?.abort(reason)
  }

  /** For `Deadlines`: the timeout or, after an abort, the grace has passed. */
  override expire(): void {
    if (this.#decision === undefined) {
      const message = `Timed out after ${this.#timeoutMs} ms`
      const reason = new DagstreamError('TASK_TIMEOUT', `Task \`${this.task.id}\` timed out after ${this.#timeoutMs} ms`)
      return this.abort({ status: 'error', code: 'TASK_TIMEOUT', message, isRetryable: true }, reason)
    }
    this.isAbandoned = true
    this.#end(this.#decision)
  }

  /** For the context: made on first read, since most tools never look. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** For the context. */
  get executionId(): string {
    return this.#host.executionId
  }

  emitToken(text: string): void {
    if (this.isOver || this.#decision !== undefined) return this.#host.emissions.drop(this)
    const piece = typeof text === 'string' ? text : String(text)
    if (piece === '') return
    this.#lastTokenAt = this.#host.clock.now()
    if (this.tokenCount === 0) this.#firstTokenAt = this.#lastTokenAt
    this.tokenCount += 1
    this.pendingText += piece
    this.#host.emissions.token(this)
  }

  /** The tokens not recorded yet, which the caller records. */
  takePendingText(): string {
    const text = this.pendingText
    this.pendingText = ''
    return text
  }

  reportProgress(progress: { progress: number; total?: number; message?: string }): void {
    if (this.isOver || this.#decision !== undefined) return this.#host.emissions.drop(this)
    this.#host.emissions.progress(this, progress)
  }

  log(level: InfoLevel, message: string): void {
    if (this.isOver || this.#decision !== undefined) return this.#host.emissions.drop(this)
    this.#host.emissions.info(this, level, message)
  }

  /** Usage counts until the attempt is over, also after its abort: the tokens have been spent. */
  reportUsage(delta: Partial<TokenUsage>): void {
    if (this.isOver) return this.#host.emissions.drop(this)
    const { usage, rejected } = sanitizeTokenUsage(delta)
    if (rejected.length > 0 && this.#decision === undefined) {
      this.#host.emissions.info(this, 'warning', `Token usage left out what is not a finite number ≥ 0: ${rejected.join(', ')}`)
    }
    if (Object.keys(usage).length === 0) return
    this.usage = addTokenUsage(this.usage, usage)
    this.#host.emissions.usage(usage)
  }

  /** Of a stream that has ended; all finite. */
  get metrics(): { ttftMs: number; totalMs: number; tokenCount: number; tokensPerSec: number } {
    const seconds = (this.#lastTokenAt - this.#firstTokenAt) / 1000
    return {
      ttftMs: round(this.#firstTokenAt - this.#startedAt),
      totalMs: this.durationMs,
      tokenCount: this.tokenCount,
      tokensPerSec: seconds > 0 ? round((this.tokenCount - 1) / seconds) : 0,
    }
  }

  #call(args: unknown): void {
    const { clock, deadlines } = this.#host
    this.#state = 'calling'
    this.#startedAt = clock.now()
    if (this.#timeoutMs > 0) deadlines.set(this, this.#timeoutMs, this.#startedAt)
    try {
      const returned = this.task.tool.execute(args, new AttemptContext(this) as ToolContext)
      if (isThenable(returned)) Promise.resolve(returned).then(this.#fulfil, this.#reject)
      else this.#fulfil(returned)
    } catch (error) {
      this.#reject(error)
    }
  }

  readonly #fulfil = (value: unknown): void => {
    if (this.isOver) return
    if (this.#decision !== undefined) return this.#end(this.#decision)
    try {
      this.#end({ status: 'success', output: JsonValue.from(value) })
    } catch (error) {
      if (!(error instanceof NotSerializableError)) throw error
      const message = `Expected the output to be JSON: ${error.message}`
      this.#end({ status: 'error', code: 'OUTPUT_NOT_SERIALIZABLE', message, isRetryable: false })
    }
  }

  readonly #reject = (error: unknown): void => {
    if (!this.isOver) this.#end(this.#decision ?? readToolError(error))
  }

  #end(outcome: AttemptOutcome): void {
    const { clock, deadlines } = this.#host
    this.endedAt = clock.now()
    if (this.#state === 'calling') this.durationMs = round(this.endedAt - this.#startedAt)
    this.#state = 'over'
    this.outcome = outcome
    deadlines.remove(this)
    this.#host.settled(this)
  }
}

/** To the microsecond: more digits are noise, and bytes on the wire. */
export function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
