import type { Clock } from '../../clock.ts'
import type { StreamMetrics } from './provider.ts'

/** Measures one response while it arrives. */
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

  /** Discards a rejected response; times still count from the call. */
  restart(): void {
    this.#lastChunkAt = undefined
    this.#maxInterChunkMs = this.#chunkCount = this.#bytes = 0
  }

  /** Records a chunk of the body. */
  noteChunk(bytes: number): void {
    const now = this.#clock.now()
    if (this.#lastChunkAt !== undefined)
      this.#maxInterChunkMs = Math.max(this.#maxInterChunkMs, now - this.#lastChunkAt)
    this.#lastChunkAt = now
    this.#chunkCount += 1
    this.#bytes += bytes
  }

  /** Records text in the chunk. */
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
