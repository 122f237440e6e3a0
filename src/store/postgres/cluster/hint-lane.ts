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
  /** A caller sends hints. */
  #isCarried = false
  /** When the last caller that sends began, ms. */
  #carriedAt = 0
  /** When the next one may begin, ms. */
  #nextAt = Number.NEGATIVE_INFINITY

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

  /** The waiting hints, which go on waiting. */
  get waiting(): HintsByWord {
    return new Map(this.#pending)
  }

  /** A caller has sent these. Those that were added again since then wait on. */
  drop(sent: HintsByWord): void {
    for (const [word, hint] of sent) if (this.#pending.get(word) === hint) this.#pending.delete(word)
  }

  /**
   * Whether a caller may send hints at once, until it calls `end`: one at a time. After one, the next waits as long as that took, at
   * most the pause: a slow database gets fewer. The lane pauses. Its own pause does not count, or batches would go on between callers
   * for ever.
   */
  begin(): boolean {
    const now = performance.now()
    if (this.#isCarried || now < this.#nextAt) return false
    this.#carriedAt = now
    this.#isCarried = true
    this.#pause()
    return true
  }

  end(): void {
    this.#isCarried = false
    const now = performance.now()
    this.#nextAt = now + Math.min(now - this.#carriedAt, this.#pauseMs)
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
