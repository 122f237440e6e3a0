import type { Clock } from '../../clock.ts'
import { onAbort } from '../../abort-signals.ts'
import { HttpToolError } from './http-tool-error.ts'

/** One signal for whatever may end a request: that of its attempt, and its own time-out. */
export class Deadline {
  readonly #controller = new AbortController()
  readonly #clock: Clock
  readonly #stopListening: () => void
  #stopTimer: (() => void) | undefined

  constructor(clock: Clock, outer: AbortSignal) {
    this.#clock = clock
    this.#stopListening = onAbort(outer, () => this.#controller.abort(outer.reason))
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** The time begins, if it has not yet. */
  start(timeoutMs: number, what: string): void {
    this.#stopTimer ??= this.#clock.after(timeoutMs, () => {
      const message = `${what} was not answered in full within ${timeoutMs} ms`
      this.#controller.abort(new HttpToolError('HTTP_TIMEOUT', message, { retryable: true }))
    })
  }

  /** Leaves nothing behind. */
  stop(): void {
    this.#stopListening()
    this.#stopTimer?.()
  }
}
