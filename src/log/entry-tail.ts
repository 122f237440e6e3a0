import { invalidOption } from '../errors.ts'
import type { LogEntry } from '../events/log-entry.ts'

/** How much of a log is kept in memory. */
export interface TailBounds {
  /** @defaultValue 50,000 */
  readonly maxTailEvents?: number
  /** About bytes. @defaultValue 16 MiB */
  readonly maxTailBytes?: number
}

const DEFAULTS: Required<TailBounds> = { maxTailEvents: 50_000, maxTailBytes: 16 * 1024 * 1024 }

/** The bounds with their defaults; `undefined` counts as not given. @throws `INVALID_OPTION` */
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

/** The newest entries of a log, in order and without gaps, within bounds: the oldest go first. */
export class EntryTail {
  readonly #bounds: Required<TailBounds>
  readonly #weigh: (entry: LogEntry) => number
  readonly #onDrop: ((entry: LogEntry) => void) | undefined
  /** What readers may be behind, beyond the bounds. */
  readonly #reserved = new Set<Required<TailBounds>>()
  #maxEvents: number
  #maxBytes: number
  /** Those at the front that were let go are `undefined`: the array itself is cut only now and then. */
  #entries: (LogEntry | undefined)[] = []
  /** How many at the front were let go. */
  #trimmed = 0
  #bytes = 0
  #lastSeq = 0

  /** `weigh` tells how much memory is free once an entry is let go, about bytes; `onDrop` is told each one that is. */
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

  /** Keeps so much more, for a reader that may be that far behind. @returns what ends it; harmless to repeat */
  reserve(reserved: Required<TailBounds>): () => void {
    this.#reserved.add(reserved)
    this.#resize()
    return () => {
      this.#reserved.delete(reserved)
      this.#resize()
    }
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

  /** For a tail that begins later: the entry before its first, before anything is pushed. */
  beginAfter(seq: number): void {
    this.#lastSeq = seq
  }

  push(entry: LogEntry): void {
    this.#entries.push(entry)
    this.#bytes += this.#weigh(entry)
    this.#lastSeq = entry.seq
    this.#trim()
  }

  /** Entries after `afterSeq`, at most `maxCount` and about `maxBytes` but at least one; `undefined` if the first is gone. */
  read(afterSeq: number, maxCount: number, maxBytes: number): LogEntry[] | undefined {
    if (afterSeq + 1 < this.firstSeq) return undefined
    const from = this.#trimmed + (afterSeq + 1 - this.firstSeq)
    const end = Math.min(this.#entries.length, from + maxCount)
    let to = from
    for (let bytes = 0; to < end && bytes < maxBytes; to++) bytes += (this.#entries[to] as LogEntry).weight
    return this.#entries.slice(from, to) as LogEntry[]
  }

  /** Readers share what is kept, so the one that may be furthest behind decides. */
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
      if (held <= this.#maxEvents && this.#bytes <= this.#maxBytes) return
      this.#dropOldest()
    }
  }

  #dropOldest(): void {
    const entry = this.#entries[this.#trimmed] as LogEntry
    this.#bytes -= this.#weigh(entry)
    this.#entries[this.#trimmed] = undefined
    this.#trimmed += 1
    this.#onDrop?.(entry)
    // Cutting the front moves everything behind it, so it waits until half of the array is dead.
    if (this.#trimmed > 1024 && this.#trimmed * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#trimmed)
      this.#trimmed = 0
    }
  }
}
