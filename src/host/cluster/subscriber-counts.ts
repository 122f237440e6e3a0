import type { Members } from '../../cluster/members.ts'

/** The subscribers of this server to executions that other servers coordinate, for their disconnect rules. */
export class SubscriberCounts {
  readonly #members: Members
  readonly #memberId: string
  readonly #onError: (error: unknown) => void
  /** By execution: those that are not 0, and those that are not in the store yet. */
  readonly #wanted = new Map<string, number>()
  readonly #stored = new Map<string, number>()
  /** By execution, those of each log: one that was taken over here and lost again has several. */
  readonly #bySource = new Map<string, Map<object, number>>()
  #isWriting = false

  constructor(members: Members, memberId: string, onError: (error: unknown) => void) {
    this.#members = members
    this.#memberId = memberId
    this.#onError = onError
  }

  /** @param source counts the followers of one log */
  set(executionId: string, source: object, ofSource: number): void {
    const sources = this.#bySource.get(executionId) ?? new Map<object, number>()
    if (ofSource === 0) sources.delete(source)
    else sources.set(source, ofSource)
    if (sources.size === 0) this.#bySource.delete(executionId)
    else this.#bySource.set(executionId, sources)
    let count = 0
    for (const each of sources.values()) count += each
    if ((this.#wanted.get(executionId) ?? 0) === count) return
    this.#wanted.set(executionId, count)
    this.write()
  }

  /** Writes all of them again: the store may have forgotten this member. */
  repeat(): void {
    this.#stored.clear()
    this.write()
  }

  /** Writes what has changed, one after the other; also called from time to time, after a failure. */
  write(): void {
    if (!this.#isWriting) void this.#write()
  }

  async #write(): Promise<void> {
    this.#isWriting = true
    try {
      for (let next = this.#findChanged(); next !== undefined; next = this.#findChanged()) {
        const [executionId, count] = next
        await this.#members.setSubscribers(this.#memberId, executionId, count)
        if (count > 0) this.#stored.set(executionId, count)
        else this.#stored.delete(executionId)
        if (count === 0 && this.#wanted.get(executionId) === 0) this.#wanted.delete(executionId)
      }
    } catch (error) {
      this.#onError(error)
    } finally {
      this.#isWriting = false
    }
  }

  #findChanged(): [string, number] | undefined {
    for (const [executionId, count] of this.#wanted) {
      if (count === 0 || this.#stored.get(executionId) !== count) return [executionId, count]
    }
    return undefined
  }
}
