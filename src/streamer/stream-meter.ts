import type { StreamEventFor, StreamMetrics } from './stream-event.ts'

/** What is known of one stream's pace. Times are those of one monotonic clock, ms. */
export class StreamMeter {
  readonly #startedAt: number
  #firstAt: number | undefined
  #lastAt = 0
  #count = 0
  #told: { ttft?: number; tokensPerSec?: number } = {}

  constructor(now: number) {
    this.#startedAt = now
  }

  /** A token passed. */
  add(now: number): void {
    this.#firstAt ??= now
    this.#lastAt = now
    this.#count += 1
  }

  /** Puts what is given in the place of what was told before; what is no finite number ≥ 0 changes nothing. */
  tell(ttft: number | undefined, tokensPerSec: number | undefined): StreamEventFor<'metrics'>['data'] {
    if (isFigure(ttft)) this.#told.ttft = ttft
    if (isFigure(tokensPerSec)) this.#told.tokensPerSec = tokensPerSec
    return { ...this.#told }
  }

  /** All finite: what is given comes first, then what was told, then what was measured. */
  measure(given: Partial<StreamMetrics>, now: number): StreamMetrics {
    const firstAt = this.#firstAt ?? now
    const spanMs = this.#lastAt - firstAt
    const all: StreamMetrics = {
      ttft: firstAt - this.#startedAt,
      totalTime: now - this.#startedAt,
      tokens: this.#count,
      // Over less than a millisecond a pace says nothing.
      tokensPerSec: spanMs >= 1 ? ((this.#count - 1) * 1000) / spanMs : 0,
      ...this.#told,
    }
    const figures = Object.entries(given).filter(([, value]) => isFigure(value))
    return { ...all, ...Object.fromEntries(figures) }
  }
}

function isFigure(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
