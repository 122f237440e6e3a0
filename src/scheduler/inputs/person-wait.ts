/**
 * How long an execution only waited for people: some task waits for an answer, and none could do anything without one. Its
 * own time limit stands still then. It follows from the timestamps of the log, so that it is the same after a crash.
 */
export class PersonWait {
  /** When it began, ms since 1970; `undefined` while something else runs. */
  #since: number | undefined
  #waitedMs = 0

  /** Whether it only waits for people. */
  get isWaiting(): boolean {
    return this.#since !== undefined
  }

  /** In total, up to the last event, ms. */
  get waitedMs(): number {
    return this.#waitedMs
  }

  /** An event is in the log. @param timestamp ISO 8601 */
  update(isWaiting: boolean, timestamp: string): void {
    if (this.#since === undefined && !isWaiting) return
    const now = Date.parse(timestamp)
    // The events of a summary have no time.
    if (Number.isNaN(now)) return
    if (this.#since !== undefined) this.#waitedMs += Math.max(0, now - this.#since)
    this.#since = isWaiting ? now : undefined
  }

  /** Another process continues: the time between the processes does not count. */
  resumed(): void {
    this.#since = undefined
  }
}
