import { invalidOption } from '../errors.ts'
import type { LogEntry } from '../events/log-entry.ts'

/** Bounds of the part of a log that is kept in memory. */
export interface TailBounds {
  /** @defaultValue 50,000 */
  readonly maxTailEvents?: number
  /** Approximate bytes. @defaultValue 16 MiB */
  readonly maxTailBytes?: number
}

const DEFAULTS: Required<TailBounds> = { maxTailEvents: 50_000, maxTailBytes: 16 * 1024 * 1024 }

/** Applies the defaults; `undefined` counts as absent. @throws `INVALID_OPTION` */
export function resolveTailBounds(bounds: TailBounds): Required<TailBounds> {
  const { maxTailEvents = DEFAULTS.maxTailEvents, maxTailBytes = DEFAULTS.maxTailBytes } = bounds
  if (!(typeof maxTailEvents === 'number' && maxTailEvents > 0)) {
    throw invalidOption('maxTailEvents', 'a positive number', maxTailEvents)
  }
  if (!(typeof maxTailBytes === 'number' && maxTailBytes > 0)) {
    throw invalidOption('maxTailBytes', 'a positive number', maxTailBytes)
  }
  return { maxTailEvents, maxTailBytes }
}

/** The newest entries of a log, in order and without gaps, within bounds. Evicts the oldest first. */
export class EntryTail {
  readonly #bounds: Required<TailBounds>
  readonly #weigh: (entry: LogEntry) => number
  readonly #onDrop: ((entry: LogEntry) => void) | undefined
  /** Reservations of readers, in addition to the bounds. */
  readonly #reserved = new Set<Required<TailBounds>>()
  #maxEvents: number
  #maxBytes: number
  /** Evicted entries at the front are `undefined`, since the array is sliced only from time to time. */
  #entries: (LogEntry | undefined)[] = []
  /** Number of evicted entries at the front. */
  #trimmed = 0
  #bytes = 0
  #hasDroppedRemoval = false
  #lastSeq = 0

  /** `weigh` returns the approximate bytes that evicting an entry frees; `onDrop` receives each evicted entry. */
  constructor(
    bounds: TailBounds = {},
    weigh: (entry: LogEntry) => number = entry => entry.weight,
    onDrop?: (entry: LogEntry) => void,
  ) {
    this.#onDrop = onDrop
    this.#bounds = resolveTailBounds(bounds)
    this.#weigh = weigh
    this.#maxEvents = this.#bounds.maxTailEvents
    this.#maxBytes = this.#bounds.maxTailBytes
  }

  /** Raises the bounds for a reader that may lag that far. @returns a function that ends the reservation; idempotent */
  reserve(reserved: Required<TailBounds>): () => void {
    this.#reserved.add(reserved)
    this.#resize()
    return () => {
      this.#reserved.delete(reserved)
      this.#resize()
    }
  }

  /** Seq of the newest entry ever pushed; 0 before the first. */
  get lastSeq(): number {
    return this.#lastSeq
  }

  /** Seq of the oldest entry in memory; `lastSeq + 1` if there is none. */
  get firstSeq(): number {
    return this.#lastSeq + 1 - (this.#entries.length - this.#trimmed)
  }

  /** Approximate memory of the entries, bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /** Sets the seq before the first entry, for a tail that does not begin at 1. Call it before the first `push`. */
  beginAfter(seq: number): void {
    this.#lastSeq = seq
  }

  push(entry: LogEntry): void {
    this.#entries.push(entry)
    this.#bytes += this.#weigh(entry)
    this.#lastSeq = entry.seq
    this.#trim()
  }

  /**
   * Entries after `afterSeq`: at most `maxCount`, about `maxBytes`, at least one if there is one; `undefined` if the
   * first was evicted.
   */
  read(afterSeq: number, maxCount: number, maxBytes: number): LogEntry[] | undefined {
    if (afterSeq + 1 < this.firstSeq) return undefined
    const from = this.#trimmed + (afterSeq + 1 - this.firstSeq)
    const end = Math.min(this.#entries.length, from + maxCount)
    let to = from
    for (let bytes = 0; to < end && bytes < maxBytes; to++) bytes += (this.#entries[to] as LogEntry).weight
    return this.#entries.slice(from, to) as LogEntry[]
  }

  /** Readers share one tail, so the largest reservation counts, not the sum. */
  #resize(): void {
    let events = 0
    let bytes = 0
    for (const { maxTailEvents, maxTailBytes } of this.#reserved) {
      events = Math.max(events, maxTailEvents)
      bytes = Math.max(bytes, maxTailBytes)
    }
    this.#maxEvents = this.#bounds.maxTailEvents + events
    this.#maxBytes = this.#bounds.maxTailBytes + bytes
    this.#trim()
  }

  #trim(): void {
    for (let held = this.#entries.length - this.#trimmed; held > 0; held--) {
      const isWithin = held <= this.#maxEvents && this.#bytes <= this.#maxBytes
      if (isWithin && !this.#isPatchSplit) return
      this.#dropOldest()
    }
  }

  /** Whether the last evicted entry is the first half of a patch: no state is kept between the two. */
  get #isPatchSplit(): boolean {
    const next = this.#entries[this.#trimmed]
    return this.#hasDroppedRemoval && next?.type === 'tasks_added' && next.data.parentId === undefined
  }

  #dropOldest(): void {
    const entry = this.#entries[this.#trimmed] as LogEntry
    this.#bytes -= this.#weigh(entry)
    this.#entries[this.#trimmed] = undefined
    this.#trimmed += 1
    this.#hasDroppedRemoval = entry.type === 'tasks_removed'
    this.#onDrop?.(entry)
    // Slicing copies all live entries, so it waits until half of the array is evicted: amortized constant time.
    if (this.#trimmed > 1024 && this.#trimmed * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#trimmed)
      this.#trimmed = 0
    }
  }
}
