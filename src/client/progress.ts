import { parseEventId } from '../events/events.ts'

/** Maximum number of remembered ids of another form. */
const MAX_REMEMBERED = 10_000
/** Maximum length of an id of another form, UTF-16 units: a longer one is not remembered and never new. */
const MAX_ID_LENGTH = 1000

/**
 * Distinguishes new items from repeated ones.
 *
 * An item is new if its id is: `<executionId>.<seq>` beyond every earlier one, or an id of another form that is not among the
 * last 10,000. An item without an id is never new: a source without ids starts over with each connection.
 */
export class Progress {
  #executionId: string | undefined
  #furthestSeq = -1
  readonly #remembered = new Set<string>()

  /** @param lastEventId resume position of the run */
  constructor(lastEventId: string | undefined) {
    this.isNew(lastEventId)
  }

  /** Records an id. @returns whether it is new */
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
