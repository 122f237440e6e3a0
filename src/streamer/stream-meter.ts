import type { StreamEventFor, StreamMetrics } from './stream-event.ts'

/** Measures one stream's speed. Times are those of one monotonic clock, ms. */
export class StreamMeter {
  readonly #startedAt: number
  #firstAt: number | undefined
  #lastAt = 0
  #count = 0
  #told: { ttft?: number; tokensPerSec?: number } = {}

  constructor(now: number) {
    this.#startedAt = now
  }

  /** Records a token. */
  add(now: number): void {
    this.#firstAt ??= now
    this.#lastAt = now
    this.#count += 1
  }

  /** Replaces reported values; a value that is not a finite number ≥ 0 is ignored. */
  tell(ttft: number | undefined, tokensPerSec: number | undefined): StreamEventFor<'metrics'>['data'] {
    if (isFigure(ttft)) this.#told.ttft = ttft
    if (isFigure(tokensPerSec)) this.#told.tokensPerSec = tokensPerSec
    return { ...this.#told }
  }

  /** Finite metrics: a given value takes precedence over a reported one, and that over the measured one. */
  measure(given: Partial<StreamMetrics>, now: number): StreamMetrics {
    const firstAt = this.#firstAt ?? now
    const spanMs = this.#lastAt - firstAt
    const all: StreamMetrics = {
      ttft: firstAt - this.#startedAt,
      totalTime: now - this.#startedAt,
      tokens: this.#count,
      // A rate over less than a millisecond is meaningless.
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
