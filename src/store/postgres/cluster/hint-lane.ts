import type { Hint } from '../../../cluster/shared-store.ts'
import { toWord } from './hint-text.ts'

/** Hints by their words. */
export type HintsByWord = ReadonlyMap<string, Hint>

/** Hints that wait to be sent together. One batch after another, with a pause in between; an idle lane sends after its delay. */
export class HintLane {
  readonly #pauseMs: number
  readonly #send: (hints: HintsByWord) => Promise<void>
  readonly #delayMs: number
  #pending = new Map<string, Hint>()
  #isBusy = false

  /** @param send never rejects */
  constructor(pauseMs: number, send: (hints: HintsByWord) => Promise<void>, delayMs: number = 0) {
    this.#pauseMs = pauseMs
    this.#send = send
    this.#delayMs = delayMs
  }

  add(hint: Hint): void {
    this.#pending.set(toWord(hint), hint)
    if (this.#isBusy) return
    this.#isBusy = true
    const next = (): void => void this.#next()
    if (this.#delayMs > 0) setTimeout(next, this.#delayMs).unref()
    // Before what else follows in this turn, such as writes to readers.
    else queueMicrotask(next)
  }

  /** Takes the waiting hints, so that another lane sends them. */
  take(): HintsByWord {
    const taken = this.#pending
    this.#pending = new Map()
    return taken
  }

  async #next(): Promise<void> {
    const hints = this.take()
    if (hints.size > 0) await this.#send(hints)
    setTimeout(() => {
      this.#isBusy = false
      const [first] = this.#pending.values()
      if (first !== undefined) this.add(first)
    }, this.#pauseMs).unref()
  }
}
