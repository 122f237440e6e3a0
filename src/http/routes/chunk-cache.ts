import type { LogEntry } from '../../events/log-entry.ts'
import { joinEntries } from '../../sse/response-body.ts'

interface Chunk {
  /** Of the last entry. */
  readonly lastSeq: number
  /** `undefined` once it has gone. */
  bytes: Uint8Array | undefined
}

/**
 * The wire format of stretches of logs, shared by readers at the same position: those that follow a live
 * execution, and those that replay a finished one. Evicts the least recently requested one first.
 *
 * It keeps bytes and no entry: an entry holds its whole output, of which the wire has a reference only.
 */
export class ChunkCache {
  readonly #maxBytes: number
  /** By the first entry of the stretch. */
  readonly #chunks = new WeakMap<LogEntry, Chunk>()
  /** Least recently asked for first. */
  readonly #order = new Set<Chunk>()
  /** Of the chunks. */
  #bytes = 0
  #newest: Chunk | undefined

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The bytes of `entries`, which the caller must not change. */
  join(entries: readonly LogEntry[]): Uint8Array {
    const first = entries[0] as LogEntry
    const { seq: lastSeq } = entries.at(-1) as LogEntry
    const known = this.#chunks.get(first)
    if (known?.bytes !== undefined && known.lastSeq === lastSeq) {
      // Most readers ask for what was asked for last.
      if (this.#newest !== known) this.#renew(known)
      return known.bytes
    }
    const bytes = joinEntries(entries)
    if (known !== undefined) this.#forget(known)
    const chunk = { lastSeq, bytes }
    this.#chunks.set(first, chunk)
    this.#bytes += bytes.byteLength
    this.#renew(chunk)
    for (const oldest of this.#order) {
      if (this.#bytes <= this.#maxBytes) break
      this.#forget(oldest)
    }
    return bytes
  }

  #renew(chunk: Chunk): void {
    this.#order.delete(chunk)
    this.#order.add(chunk)
    this.#newest = chunk
  }

  #forget(chunk: Chunk): void {
    if (!this.#order.delete(chunk)) return
    this.#bytes -= chunk.bytes?.byteLength ?? 0
    chunk.bytes = undefined
  }
}
