import { parseEventId } from '../events/events.ts'

/** As many ids of another form as are remembered. */
const MAX_REMEMBERED = 10_000
/** A longer id of another form is not remembered, and never new, UTF-16 units. */
const MAX_ID_LENGTH = 1000

/**
 * Tells the items that bring a run further from those that only come again.
 *
 * An item is new if its id is: `<executionId>.<seq>` beyond every earlier one, or an id of another form that is not among
 * the last 10,000. An item without an id is never new: a source without ids begins anew with each connection.
 */
export class Progress {
  #executionId: string | undefined
  #furthestSeq = -1
  readonly #remembered = new Set<string>()

  /** @param lastEventId where the run begins */
  constructor(lastEventId: string | undefined) {
    this.isNew(lastEventId)
  }

  /** Whether an id is new; it is not the next time. */
  isNew(id: string | undefined): boolean {
    if (id === undefined) return false
    const place = parseEventId(id)
    this.#executionId ??= place?.executionId
    if (place === undefined || place.executionId !== this.#executionId) return this.#remember(id)
    if (place.seq <= this.#furthestSeq) return false
    this.#furthestSeq = place.seq
    return true
  }

  #remember(id: string): boolean {
    if (id.length > MAX_ID_LENGTH || this.#remembered.has(id)) return false
    this.#remembered.add(id)
    if (this.#remembered.size > MAX_REMEMBERED) {
      const [oldest] = this.#remembered
      if (oldest !== undefined) this.#remembered.delete(oldest)
    }
    return true
  }
}
