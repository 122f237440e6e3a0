import type { Clock } from '../../clock.ts'
import type { StreamMetrics } from './provider.ts'

/** Measures one response while it comes. */
export class StreamMeter {
  readonly #clock: Clock
  readonly #startedAt: number
  #firstTextAt: number | undefined
  #lastChunkAt: number | undefined
  #maxInterChunkMs = 0
  #chunkCount = 0
  #bytes = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startedAt = clock.now()
  }

  /** The response was not the one; times still run from the call. */
  restart(): void {
    this.#lastChunkAt = undefined
    this.#maxInterChunkMs = this.#chunkCount = this.#bytes = 0
  }

  /** A chunk of the body has come. */
  noteChunk(bytes: number): void {
    const now = this.#clock.now()
    if (this.#lastChunkAt !== undefined)
      this.#maxInterChunkMs = Math.max(this.#maxInterChunkMs, now - this.#lastChunkAt)
    this.#lastChunkAt = now
    this.#chunkCount += 1
    this.#bytes += bytes
  }

  /** There was text in it. */
  noteText(): void {
    this.#firstTextAt ??= this.#clock.now()
  }

  measure(): StreamMetrics {
    return {
      ...(this.#firstTextAt !== undefined && { firstTokenMs: this.#firstTextAt - this.#startedAt }),
      maxInterChunkMs: this.#maxInterChunkMs,
      totalMs: this.#clock.now() - this.#startedAt,
      chunkCount: this.#chunkCount,
      bytes: this.#bytes,
    }
  }
}
