import type { Clock } from '../../clock.ts'
import type { EventLog } from '../../log/event-log.ts'
import type { LogCursor } from '../../log/log-cursor.ts'

/** The lag of streams behind the executions that they follow. */
export interface Lag {
  /** The largest number of events that a stream has not read. */
  readonly events: number
  /**
   * The longest time that the next event of a stream has waited, s: since it was recorded, or since the stream was opened.
   */
  readonly seconds: number
}

interface OpenStream {
  readonly log: EventLog
  readonly cursor: LogCursor
  /** Since 1970, ms. */
  readonly openedAt: number
}

/** The event streams that are open; the lag is measured on demand. */
export class OpenStreams {
  readonly #clock: Clock
  readonly #streams = new Set<OpenStream>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns removes it; idempotent */
  add(log: EventLog, cursor: LogCursor): () => void {
    const stream = { log, cursor, openedAt: this.#clock.wallTime() }
    this.#streams.add(stream)
    return () => void this.#streams.delete(stream)
  }

  /** Measures running executions only: the log of an ended one may be read at any pace. */
  measureLag(): Lag {
    const now = this.#clock.wallTime()
    let events = 0
    let since = now
    for (const { log, cursor, openedAt } of this.#streams) {
      const behind = log.head - cursor.position
      if (behind <= 0 || log.ending !== undefined) continue
      events = Math.max(events, behind)
      // An entry that the log's tail has evicted has waited for an unknown time.
      const next = log.readTail(cursor.position, 1)?.[0]
      since = Math.min(since, Math.max(openedAt, next === undefined ? 0 : Date.parse(next.data.timestamp)))
    }
    return { events, seconds: (now - since) / 1000 }
  }
}
