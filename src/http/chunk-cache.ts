import type { LogEntry } from '../events/log-entry.ts'
import { joinEntries } from '../sse/response-body.ts'

interface Chunk {
  readonly last: LogEntry
  readonly bytes: Uint8Array
}

/**
 * What stretches of logs look like on the wire, for whoever comes to the same place next: the thousand readers of a live
 * execution, and those that replay a finished one. What was asked for least recently goes first.
 */
export class ChunkCache {
  readonly #maxBytes: number
  /** By the first entry of the stretch. */
  readonly #chunks = new Map<LogEntry, Chunk>()
  /** Of the chunks. */
  #bytes = 0
  #newest: Chunk | undefined

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The bytes of `entries`, which the caller must not change. */
  join(entries: readonly LogEntry[]): Uint8Array {
    const first = entries[0] as LogEntry
    const last = entries.at(-1) as LogEntry
    const known = this.#chunks.get(first)
    if (known?.last === last) {
      // Most readers ask for what was asked for last.
      if (this.#newest !== known) this.#renew(first, known)
      return known.bytes
    }
    const bytes = joinEntries(entries)
    this.#forget(first)
    this.#renew(first, { last, bytes })
    for (const oldest of this.#chunks.keys()) {
      if (this.#bytes <= this.#maxBytes) break
      this.#forget(oldest)
    }
    return bytes
  }

  #renew(first: LogEntry, chunk: Chunk): void {
    if (!this.#chunks.delete(first)) this.#bytes += chunk.bytes.byteLength
    this.#chunks.set(first, chunk)
    this.#newest = chunk
  }

  #forget(first: LogEntry): void {
    const chunk = this.#chunks.get(first)
    if (chunk === undefined) return
    this.#chunks.delete(first)
    this.#bytes -= chunk.bytes.byteLength
  }
}
