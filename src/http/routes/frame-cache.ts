import { type LogEntry, NOT_LOGGED } from '../../events/log-entry.ts'
import type { EventLog } from '../../log/event-log.ts'
import type { LogCursor } from '../../log/log-cursor.ts'
import { joinEntries } from '../../sse/response-body.ts'
import { FrameTail } from './frame-tail.ts'

/** Bounds of the cached frames, approximate bytes. */
export interface FrameBounds {
  /** Of a running log: its newest frames, or its first ones if it has no reader. */
  readonly maxRunningBytes: number
  /**
   * Of a running log with one reader: its first frames. The reader never needs them again, and keeping all of them would
   * cost a tenth of its time.
   */
  readonly maxSoleReaderBytes: number
  /** Of all logs. The least recently read log is evicted first. */
  readonly maxBytes: number
}

/** One reader of a log. */
export interface FrameReader {
  /** The next frames, if they are cached; moves the reader's cursor behind them. */
  take(): Uint8Array | undefined
  /** Encodes entries that the cursor returned, and caches their frames within the bounds. */
  encode(entries: readonly LogEntry[]): Uint8Array
  /** Idempotent. */
  close(): void
}

/** The frames and the readers of one log. */
interface SharedLog {
  readonly log: EventLog
  readonly tail: FrameTail
  readonly readers: Set<FrameReader>
}

/** Approximate size of the entries that are encoded ahead together, bytes. */
const PART_BYTES = 64 * 1024

/** Maximum number of parts that are encoded ahead at once, in less than a millisecond. */
const MAX_PARTS = 8

/**
 * The logs of executions as bytes for the wire. An entry is encoded once, when first needed: by a reader of the live
 * execution, by a later replay, or by `encodeAhead`.
 */
export class FrameCache {
  readonly #bounds: FrameBounds
  readonly #logs = new WeakMap<EventLog, SharedLog>()
  /**
   * Tails with frames, each with its execution, least recently read first. Logs are not referenced, since they hold far more
   * memory.
   */
  readonly #used = new Map<FrameTail, string>()
  #newest: FrameTail | undefined
  #bytes = 0

  constructor(bounds: FrameBounds) {
    this.#bounds = bounds
  }

  /** Approximate memory, bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /** Opens a reader of a log at the position of its cursor. */
  read(log: EventLog, cursor: LogCursor): FrameReader {
    const shared = this.#share(log)
    const reader: FrameReader = {
      take: () => this.#take(shared, cursor),
      encode: entries => this.#encode(shared, entries),
      close: () => void shared.readers.delete(reader),
    }
    shared.readers.add(reader)
    return reader
  }

  /**
   * Encodes a growing log in parts as long as nobody reads it, within the bound of a log, so that the first replay is as
   * fast as later ones. Less than a part, and the rest of a burst at the end, is left to the readers: short logs cost
   * nothing.
   */
  encodeAhead(log: EventLog): void {
    if (log.ending !== undefined || this.#logs.has(log)) return
    const shared = this.#share(log)
    const { tail, readers } = shared
    const cursor = log.open()
    let bytes = 0
    const hasRoom = (): boolean => tail.bytes + 2 * PART_BYTES <= this.#bounds.maxRunningBytes
    const encodeParts = (): void => {
      for (let part = 0; part < MAX_PARTS && log.bytes - bytes >= PART_BYTES && hasRoom(); part++) {
        const entries = log.readTail(tail.nextSeq - 1, PART_BYTES) ?? []
        // The entries have left the tail of the log: no further frame can follow the cached ones.
        if (entries.length === 0) return cursor.close()
        this.#keep(shared, entries)
        for (const { weight } of entries) bytes += weight
      }
      if (log.ending === undefined && hasRoom()) cursor.onReadable(grow)
      else cursor.close()
    }
    const grow = (): void => (readers.size > 0 ? cursor.close() : encodeParts())
    grow()
  }

  /** Evicts the frames of a deleted execution. */
  forget(executionId: string): void {
    for (const [tail, id] of this.#used) if (id === executionId) this.#drop(tail)
  }

  #share(log: EventLog): SharedLog {
    const known = this.#logs.get(log)
    if (known !== undefined) return known
    const shared: SharedLog = { log, tail: new FrameTail(), readers: new Set() }
    this.#logs.set(log, shared)
    return shared
  }

  #take(shared: SharedLog, cursor: LogCursor): Uint8Array | undefined {
    const frames = shared.tail.take(cursor.position)
    if (frames === undefined) return undefined
    this.#renew(shared)
    cursor.skipTo(frames.lastSeq)
    return frames.bytes
  }

  #encode(shared: SharedLog, entries: readonly LogEntry[]): Uint8Array {
    const { seq, type } = entries[0] as LogEntry
    // A snapshot stands for the entries up to its seq.
    const isLogged = seq !== NOT_LOGGED && type !== 'snapshot'
    return isLogged && this.#isWanted(shared, seq) ? this.#keep(shared, entries) : joinEntries(entries)
  }

  /** Whether to cache the frames from an uncached entry on. */
  #isWanted({ log, tail, readers }: SharedLog, seq: number): boolean {
    const { firstSeq, nextSeq, bytes } = tail
    const { maxSoleReaderBytes, maxBytes } = this.#bounds
    const isRunning = log.ending === undefined
    if (seq === nextSeq || firstSeq === nextSeq) {
      return isRunning ? readers.size > 1 || bytes < maxSoleReaderBytes : bytes + PART_BYTES < maxBytes
    }
    // During the execution most readers are at the end of the log, afterwards at its beginning.
    return isRunning ? seq > nextSeq && readers.size > 1 : seq < firstSeq
  }

  #keep(shared: SharedLog, entries: readonly LogEntry[]): Uint8Array {
    const { log, tail } = shared
    const before = tail.bytes
    const bytes = tail.append(entries)
    while (log.ending === undefined && tail.bytes > this.#bounds.maxRunningBytes) tail.dropOldest()
    this.#bytes += tail.bytes - before
    this.#renew(shared)
    this.#evict()
    return bytes
  }

  #renew({ log, tail }: SharedLog): void {
    if (this.#newest === tail) return
    this.#used.delete(tail)
    this.#used.set(tail, log.executionId)
    this.#newest = tail
  }

  /** Evicts whole logs: a replay needs the first frames. */
  #evict(): void {
    for (const tail of this.#used.keys()) {
      if (this.#bytes <= this.#bounds.maxBytes) return
      this.#drop(tail)
    }
  }

  #drop(tail: FrameTail): void {
    this.#bytes -= tail.bytes
    tail.clear()
    this.#used.delete(tail)
    if (this.#newest === tail) this.#newest = undefined
  }
}
