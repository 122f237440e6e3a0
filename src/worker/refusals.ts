import { backoff } from '../backoff.ts'
import type { Clock } from '../clock.ts'

/** How often the store may refuse the messages of one attempt, and the delays between. */
const MAX_REFUSALS = 3
const DELAYS = { initialDelayMs: 500, maxDelayMs: 1000, factor: 2, jitter: 0.2 } as const

interface Refusal {
  /** How often its messages were refused alone. */
  readonly count: number
  /** Ends the delay before the next post. */
  readonly stop?: () => void
}

/** The attempts whose messages the store has refused: they are posted alone. */
export class Refusals<Source extends object> {
  readonly #parts: { readonly clock: Clock; readonly random: () => number }
  readonly #all = new Map<Source, Refusal>()

  constructor(parts: { readonly clock: Clock; readonly random: () => number }) {
    this.#parts = parts
  }

  get size(): number {
    return this.#all.size
  }

  has(source: Source): boolean {
    return this.#all.has(source)
  }

  /** Whether it waits for its next post. */
  isDelayed(source: Source): boolean {
    return this.#all.get(source)?.stop !== undefined
  }

  /** The store has refused a post. @returns whether it was the last */
  add(source: Source, isAlone: boolean): boolean {
    const count = isAlone ? (this.#all.get(source)?.count ?? 0) + 1 : 0
    this.#all.set(source, { count })
    return count === MAX_REFUSALS
  }

  /** Delays the next post of one that was refused alone. @returns whether it is delayed */
  delay(source: Source, onDue: () => void): boolean {
    const { clock, random } = this.#parts
    const count = this.#all.get(source)?.count ?? 0
    if (count === 0) return false
    const stop = clock.after(backoff(DELAYS, count, random()), () => {
      this.#all.set(source, { count })
      onDue()
    })
    this.#all.set(source, { count, stop })
    return true
  }

  /** @returns whether it was among them */
  delete(source: Source): boolean {
    this.#all.get(source)?.stop?.()
    return this.#all.delete(source)
  }

  clear(): void {
    for (const { stop } of this.#all.values()) stop?.()
    this.#all.clear()
  }
}
