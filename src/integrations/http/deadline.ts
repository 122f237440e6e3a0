import type { Clock } from '../../clock.ts'
import { onAbort } from '../../abort-signals.ts'
import { HttpToolError } from './http-tool-error.ts'

/** One signal that combines a request's two ends: its attempt's signal and its own timeout. */
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

  /** Starts the timeout; idempotent. */
  start(timeoutMs: number, what: string): void {
    this.#stopTimer ??= this.#clock.after(timeoutMs, () => {
      const message = `${what} was not answered completely within ${timeoutMs} ms`
      this.#controller.abort(new HttpToolError('HTTP_TIMEOUT', message, { retryable: true }))
    })
  }

  /** Releases the timer and the listener. */
  stop(): void {
    this.#stopListening()
    this.#stopTimer?.()
  }
}
