import type { ChunkSource } from '../../sse/pull-body.ts'
import { findCut } from '../../text.ts'

/** Maximum size of a chunk, characters. */
const MAX_CHUNK_CHARS = 64 * 1024

const encoder = new TextEncoder()

/** A queue of texts that is encoded chunk by chunk, so that each reader of a large text holds only one encoded chunk. */
export class TextChunks implements ChunkSource {
  readonly #texts: string[]
  /** Offset in the first text. */
  #at = 0

  constructor(...texts: string[]) {
    this.#texts = texts
  }

  push(...texts: readonly string[]): void {
    this.#texts.push(...texts)
  }

  get done(): boolean {
    return this.#texts.length === 0
  }

  take(): Uint8Array | undefined {
    let chunk = ''
    for (let text = this.#texts[0]; text !== undefined && chunk.length < MAX_CHUNK_CHARS; text = this.#texts[0]) {
      // May exceed the chunk by one unit rather than split a surrogate pair.
      const to = Math.max(findCut(text, this.#at + MAX_CHUNK_CHARS - chunk.length), Math.min(this.#at + 2, text.length))
      chunk += text.slice(this.#at, to)
      this.#at = to
      if (to < text.length) continue
      this.#texts.shift()
      this.#at = 0
    }
    return chunk === '' ? undefined : encoder.encode(chunk)
  }

  onReadable(): void {}

  close(): void {
    this.#texts.length = 0
  }
}
