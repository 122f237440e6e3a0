import type { Clock } from '../../clock.ts'

/** A hint that came this short before its append had settled was its hint, ms. */
const EARLY_MS = 50

/** Measures the time from an append of this server until its hint comes back. */
export class HintLag {
  readonly #clock: Clock
  #awaited: { readonly executionId: string; readonly since: number } | undefined
  #last: { readonly executionId: string; readonly at: number } | undefined
  #lagMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** An append of an execution has settled. */
  appended(executionId: string): void {
    if (this.#awaited !== undefined) return
    const now = this.#clock.now()
    if (this.#last?.executionId === executionId && now - this.#last.at < EARLY_MS) this.#lagMs = 0
    else this.#awaited = { executionId, since: now }
  }

  /** A hint of the log of an execution has come. */
  hinted(executionId: string): void {
    const now = this.#clock.now()
    this.#last = { executionId, at: now }
    if (this.#awaited?.executionId !== executionId) return
    this.#lagMs = now - this.#awaited.since
    this.#awaited = undefined
  }

  /** An execution that is not coordinated here any more: no hint of it is awaited. */
  forget(executionId: string): void {
    if (this.#awaited?.executionId === executionId) this.#awaited = undefined
  }

  /** The last measured lag, or the age of the hint that is awaited, if that is longer; s. */
  get seconds(): number {
    const awaitedMs = this.#awaited === undefined ? 0 : this.#clock.now() - this.#awaited.since
    return Math.max(this.#lagMs, awaitedMs) / 1000
  }
}
