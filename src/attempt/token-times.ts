import { round } from '../round.ts'
import type { TokenMetrics } from './attempt-outcome.ts'

/** Minimum time between the first and the last token for a meaningful speed, ms. */
const MIN_SPAN_MS = 1

/** The times of the tokens of one attempt; created with the first token. */
export class TokenTimes {
  readonly #firstAt: number
  #lastAt: number
  #count = 0

  constructor(now: number) {
    this.#firstAt = now
    this.#lastAt = now
  }

  add(now: number): void {
    this.#lastAt = now
    this.#count += 1
  }

  /** All values are finite, even if the clock was changed. */
  measure(startedAt: number, totalMs: number): TokenMetrics {
    const spanMs = this.#lastAt - this.#firstAt
    return {
      ttftMs: round(this.#firstAt - startedAt),
      totalMs,
      tokenCount: this.#count,
      tokensPerSec: spanMs >= MIN_SPAN_MS ? round((this.#count - 1) / (spanMs / 1000)) : 0,
    }
  }
}
