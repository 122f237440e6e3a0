import type { LogEntry } from '../events/log-entry.ts'

/** How much of a log is kept in memory. */
export interface TailBounds {
  /** @defaultValue 50,000 */
  readonly maxTailEvents?: number
  /** About bytes. @defaultValue 16 MiB */
  readonly maxTailBytes?: number
}

const DEFAULTS: Required<TailBounds> = { maxTailEvents: 50_000, maxTailBytes: 16 * 1024 * 1024 }

/** The newest entries of a log, in order and without gaps, within bounds: the oldest go first. */
export class EntryTail {
  readonly #bounds: Required<TailBounds>
  #entries: LogEntry[] = []
  /** How many at the front of `#entries` are let go already; the array itself is cut only now and then. */
  #trimmed = 0
  #bytes = 0
  #lastSeq = 0

  constructor(bounds: TailBounds = {}) {
    this.#bounds = { ...DEFAULTS, ...bounds }
  }

  /** The seq of the newest entry ever pushed; 0 before the first. */
  get lastSeq(): number {
    return this.#lastSeq
  }

  /** The seq of the oldest entry held; `lastSeq + 1` where there is none. */
  get firstSeq(): number {
    return this.#lastSeq + 1 - (this.#entries.length - this.#trimmed)
  }

  /** About how much memory the entries take. */
  get bytes(): number {
    return this.#bytes
  }

  push(entry: LogEntry): void {
    this.#entries.push(entry)
    this.#bytes += entry.weight
    this.#lastSeq = entry.seq
    const { maxTailEvents, maxTailBytes } = this.#bounds
    while (this.#entries.length - this.#trimmed > maxTailEvents || this.#bytes > maxTailBytes) this.#dropOldest()
  }

  /** Entries after `afterSeq`, at most `maxCount` and about `maxBytes` but at least one; `undefined` if the first is gone. */
  read(afterSeq: number, maxCount: number, maxBytes: number): LogEntry[] | undefined {
    if (afterSeq + 1 < this.firstSeq) return undefined
    const from = this.#trimmed + (afterSeq + 1 - this.firstSeq)
    const end = Math.min(this.#entries.length, from + maxCount)
    let to = from
    for (let bytes = 0; to < end && bytes < maxBytes; to++) bytes += (this.#entries[to] as LogEntry).weight
    return this.#entries.slice(from, to)
  }

  #dropOldest(): void {
    this.#bytes -= (this.#entries[this.#trimmed] as LogEntry).weight
    this.#trimmed += 1
    // Cutting the front moves everything behind it, so it waits until half of the array is dead.
    if (this.#trimmed > 1024 && this.#trimmed * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#trimmed)
      this.#trimmed = 0
    }
  }
}
