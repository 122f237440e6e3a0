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
  #isWaiting = false
  #isSending = false
  #isPausing = false
  #timer: NodeJS.Timeout | undefined
  /** When hints were last given to a caller, ms. */
  #begunAt = Number.NEGATIVE_INFINITY

  /** @param send never rejects */
  constructor(pauseMs: number, send: (hints: HintsByWord) => Promise<void>, delayMs: number = 0) {
    this.#pauseMs = pauseMs
    this.#send = send
    this.#delayMs = delayMs
  }

  add(hint: Hint): void {
    this.#pending.set(toWord(hint), hint)
    this.#wake()
  }

  /** Takes the waiting hints, so that another lane sends them. */
  take(): HintsByWord {
    const taken = this.#pending
    this.#pending = new Map()
    return taken
  }

  /**
   * The waiting hints and these, for a caller that sends them at once, which begins a pause; `undefined` if the last such caller was less
   * than a pause ago. The pause of a batch does not count, or batches would go on between callers for ever.
   */
  begin(hints: readonly Hint[]): HintsByWord | undefined {
    const now = performance.now()
    if (now - this.#begunAt < this.#pauseMs) return undefined
    this.#begunAt = now
    for (const hint of hints) this.#pending.set(toWord(hint), hint)
    this.#pause()
    return this.take()
  }

  #wake(): void {
    if (this.#isWaiting || this.#isSending || this.#isPausing || this.#pending.size === 0) return
    this.#isWaiting = true
    const next = (): void => void this.#next()
    if (this.#delayMs > 0) setTimeout(next, this.#delayMs).unref()
    // Before what else follows in this turn, such as writes to readers.
    else queueMicrotask(next)
  }

  async #next(): Promise<void> {
    this.#isWaiting = false
    const hints = this.take()
    if (hints.size === 0) return
    this.#isSending = true
    this.#pause()
    await this.#send(hints)
    this.#isSending = false
    // A database that is slow gets fewer.
    this.#pause()
  }

  #pause(): void {
    this.#isPausing = true
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#isPausing = false
      this.#wake()
    }, this.#pauseMs).unref()
  }
}
