import type { Clock } from '../clock.ts'
import { onAbort } from '../abort-signals.ts'
import { sleep } from '../sleep.ts'
import { StreamInterruptedError } from './failures.ts'

/**
 * The abort scope of one operation: it waits for one thing at a time, and `end` aborts every wait.
 *
 * An abandoned promise may still run, but its outcome is ignored and its rejection is handled.
 */
export class AbortScope {
  readonly #clock: Clock
  readonly #controller = new AbortController()
  readonly #stopListening: (() => void) | undefined
  /** Rejects the current wait. */
  #fail: ((error: unknown) => void) | undefined

  /** @param outer also ends the scope, with its reason */
  constructor(clock: Clock, outer?: AbortSignal) {
    this.#clock = clock
    if (outer !== undefined) this.#stopListening = onAbort(outer, () => this.end(outer.reason))
  }

  /** Aborted when the scope ends. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /**
   * Settles as `promise` does.
   * @param timeoutMs no bound without it
   * @throws the reason once the scope has ended; `StreamInterruptedError` on timeout
   */
  for<T>(promise: PromiseLike<T>, timeoutMs?: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const isOver = this.signal.aborted
      const stopTimer =
        timeoutMs === undefined || isOver
          ? undefined
          : this.#clock.after(timeoutMs, () => fail(describeSilence(timeoutMs)))
      const fail = (error: unknown): void => {
        stopTimer?.()
        reject(error)
      }
      promise.then(value => {
        stopTimer?.()
        resolve(value)
      }, fail)
      if (isOver) fail(this.signal.reason)
      else this.#fail = fail
    })
  }

  /** Resolves after `ms`. @throws the reason once the scope has ended; no timer remains */
  sleep(ms: number): Promise<void> {
    return sleep(this.#clock, ms, this.signal)
  }

  /** Ends the scope: the current wait and every later one rejects with `reason`. Idempotent. */
  end(reason: unknown): void {
    if (this.signal.aborted) return
    this.close()
    this.#controller.abort(reason)
    this.#fail?.(reason)
  }

  /** Completes the operation: removes the listener from the outer signal. */
  close(): void {
    this.#stopListening?.()
  }
}

function describeSilence(ms: number): StreamInterruptedError {
  return new StreamInterruptedError(`The server was silent for ${ms} ms`)
}
