import type { Clock } from '../../../clock.ts'
import type { ToolContext } from '../../../tools/tool.ts'

type Progress = Parameters<ToolContext['reportProgress']>[0]

/** Number of reports per call that are passed on at once. Bounds the execution's log. */
const MAX_IMMEDIATE = 1000
/** Minimum interval between further reports, ms. */
const INTERVAL_MS = 100

/** Passes on the progress of one call: all reports up to a bound, then one per interval, and the last. */
export class CallProgress {
  readonly #context: ToolContext
  readonly #clock: Clock
  #count = 0
  #reportedAt = 0
  #held: Progress | undefined

  constructor(context: ToolContext, clock: Clock) {
    this.#context = context
    this.#clock = clock
  }

  report(progress: Progress): void {
    this.#count += 1
    if (this.#count > MAX_IMMEDIATE) {
      const now = this.#clock.now()
      this.#held = progress
      if (now - this.#reportedAt < INTERVAL_MS) return
      this.#reportedAt = now
    }
    this.#held = undefined
    this.#context.reportProgress(progress)
  }

  /** Passes on the last report. Call it when the call has ended. */
  end(): void {
    if (this.#held !== undefined) this.#context.reportProgress(this.#held)
    this.#held = undefined
  }
}
