import type { Clock } from '../../../src/clock.ts'
import type { Hint, Hints } from '../../../src/cluster/shared-store.ts'

/** When a hint arrives: a delay, ms, or `undefined` for never. */
export type HintDelay = (hint: Hint) => number | undefined

type Wake = (hints: readonly Hint[] | undefined) => void

/** Hints whose delay and loss a test decides. */
export class MemoryHints {
  /** Decides for each hint and subscriber. */
  delay: HintDelay = () => 0
  readonly #clock: Clock
  readonly #subscribers = new Set<Wake>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  publish(hint: Hint): void {
    for (const wake of this.#subscribers) {
      const delayMs = this.delay(hint)
      if (delayMs === undefined) continue
      const deliver = (): void => {
        if (this.#subscribers.has(wake)) wake([hint])
      }
      // After the transaction, on no stack of its caller.
      if (delayMs === 0) queueMicrotask(deliver)
      else this.#clock.after(delayMs, deliver)
    }
  }

  /** Tells all subscribers that hints may have been lost. */
  interrupt(): void {
    for (const wake of this.#subscribers) wake(undefined)
  }

  /** The view of one process. */
  connect(): Hints & { close: () => void } {
    const own = new Set<Wake>()
    return {
      subscribe: async wake => {
        // Each subscription is one of its own, also with the same function.
        const entry: Wake = hints => wake(hints)
        own.add(entry)
        this.#subscribers.add(entry)
        return async () => {
          own.delete(entry)
          this.#subscribers.delete(entry)
        }
      },
      close: () => {
        for (const wake of own) this.#subscribers.delete(wake)
      },
    }
  }
}
