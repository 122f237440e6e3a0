import type { Clock } from '../../../clock.ts'
import type { ToolContext } from '../../tool.ts'

type Progress = Parameters<ToolContext['reportProgress']>[0]

/** So many of one call are told as they come; a server that reports without end would fill the execution's log. */
const MAX_TOLD = 1000
/** Of those that follow, one in each interval is told, ms. */
const INTERVAL_MS = 100

/** The progress of one call: all of it up to a bound, then at intervals, and the last. */
export class CallProgress {
  readonly #context: ToolContext
  readonly #clock: Clock
  #count = 0
  #toldAt = 0
  #untold: Progress | undefined

  constructor(context: ToolContext, clock: Clock) {
    this.#context = context
    this.#clock = clock
  }

  report(progress: Progress): void {
    this.#count += 1
    if (this.#count > MAX_TOLD) {
      const now = this.#clock.now()
      this.#untold = progress
      if (now - this.#toldAt < INTERVAL_MS) return
      this.#toldAt = now
    }
    this.#untold = undefined
    this.#context.reportProgress(progress)
  }

  /** The call has ended. */
  end(): void {
    if (this.#untold !== undefined) this.#context.reportProgress(this.#untold)
    this.#untold = undefined
  }
}
