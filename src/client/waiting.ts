import type { Clock } from '../clock.ts'
import { onAbort } from '../abort-signals.ts'
import { StreamInterruptedError } from './failures.ts'

/**
 * What one piece of work waits for, one thing at a time, and the one place from which all of it is ended.
 *
 * Whatever is waited for may go on behind it, but nobody hears of it any more: its rejection is handled.
 */
export class Waiting {
  readonly #clock: Clock
  readonly #controller = new AbortController()
  readonly #stopListening: (() => void) | undefined
  /** Ends the wait that is under way. */
  #fail: ((error: unknown) => void) | undefined

  /** @param outer ends it too, with its reason */
  constructor(clock: Clock, outer?: AbortSignal) {
    this.#clock = clock
    if (outer !== undefined) this.#stopListening = onAbort(outer, () => this.end(outer.reason))
  }

  /** Aborted once it has been ended, for what takes a signal. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /**
   * Settles as `promise` does.
   * @param timeoutMs no bound without it
   * @throws the reason once the work has been ended; `StreamInterruptedError` when the time is over
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

  /** Resolves after a time. @throws the reason once the work has been ended; no timer is left then */
  async sleep(ms: number): Promise<void> {
    let stopTimer: (() => void) | undefined
    try {
      await this.for(
        new Promise<void>(resolve => {
          stopTimer = this.#clock.after(ms, resolve)
        }),
      )
    } finally {
      stopTimer?.()
    }
  }

  /** Ends the work: the wait that is under way, and each one after it, fails with `reason`. Harmless to repeat. */
  end(reason: unknown): void {
    if (this.signal.aborted) return
    this.close()
    this.#controller.abort(reason)
    this.#fail?.(reason)
  }

  /** The work is done: the outer signal is not listened to any more. */
  close(): void {
    this.#stopListening?.()
  }
}

function describeSilence(ms: number): StreamInterruptedError {
  return new StreamInterruptedError(`The server was silent for ${ms} ms`)
}
