import type { Clock } from '../../clock.ts'
import { invalidOption } from '../../errors.ts'

/**
 * The rule for an execution without followers: it is cancelled at once, is cancelled after a grace period, or continues.
 * `"cancel"` is a grace of 0.
 */
export type DisconnectRule = 'cancel' | 'continue' | { readonly graceMs: number }

/** How long an execution may run without a follower, ms; `Infinity`: for ever. @throws `INVALID_OPTION` */
export function parseDisconnectRule(rule: unknown): number {
  if (rule === 'cancel') return 0
  if (rule === 'continue') return Number.POSITIVE_INFINITY
  const graceMs = typeof rule === 'object' && rule !== null ? (rule as { graceMs?: unknown }).graceMs : undefined
  if (typeof graceMs === 'number' && graceMs >= 0 && Object.keys(rule as object).length === 1) return graceMs
  throw invalidOption('onDisconnect', '"cancel", "continue" or { graceMs } with a number, 0 or more', rule)
}

/** The followers of an execution at other servers. */
export interface FollowersElsewhere {
  /** The number of followers here has changed. */
  changed(count: number): void
  /** Rejects when that cannot be found out. */
  count(): Promise<number>
}

/** Pause between two counts of the followers at other servers, ms. */
const RECOUNT_MS = 1000

/**
 * Counts the followers of one execution: subscribers, and requests that wait for its result. After a grace without any,
 * `onAbandoned` is called once. Where other servers may have followers, too, a grace begins when none has any.
 */
export class DisconnectPolicy {
  readonly #graceMs: number
  readonly #clock: Clock
  readonly #onAbandoned: () => void
  readonly #elsewhere: FollowersElsewhere | undefined
  #count = 0
  #isClosed = false
  #isHeld = false
  /** It was watched: until then its first follower is on its way. */
  #hasFollowed = false
  #stopGrace: (() => void) | undefined

  constructor(graceMs: number, clock: Clock, onAbandoned: () => void, elsewhere?: FollowersElsewhere) {
    this.#graceMs = graceMs
    this.#clock = clock
    this.#onAbandoned = onAbandoned
    this.#elsewhere = elsewhere
  }

  /** Number of followers here. */
  get count(): number {
    return this.#count
  }

  /** Adds a follower. @returns removes it; idempotent */
  join(): () => void {
    this.#count += 1
    this.#elsewhere?.changed(this.#count)
    this.#stopGrace?.()
    this.#stopGrace = undefined
    let hasLeft = false
    return () => {
      if (hasLeft) return
      hasLeft = true
      this.#count -= 1
      this.#elsewhere?.changed(this.#count)
      this.watch()
    }
  }

  /** Begins the grace if there is no follower; also runs when the last one leaves. */
  watch(): void {
    this.#hasFollowed = true
    if (this.#count > 0 || this.#isClosed || this.#isHeld || this.#stopGrace !== undefined) return
    if (this.#graceMs === 0) return this.#expire()
    if (this.#graceMs === Number.POSITIVE_INFINITY) return
    this.#stopGrace = this.#clock.after(this.#graceMs, () => this.#expire())
  }

  /** Nobody needs to follow the execution for now, or its followers count again, with a new grace. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    if (isHeld) {
      this.#stopGrace?.()
      this.#stopGrace = undefined
    } else if (this.#hasFollowed) this.watch()
  }

  /** Ends the policy: the execution has ended, the process is about to, or the execution needs no follower. */
  close(): void {
    this.#isClosed = true
    this.#stopGrace?.()
    this.#stopGrace = undefined
  }

  #expire(): void {
    if (this.#elsewhere === undefined) this.#abandon()
    else this.#askElsewhere(this.#elsewhere, () => this.#abandon())
  }

  /** Calls `onNone` if no other server has a follower; otherwise counts again until none has, and begins a new grace. */
  #askElsewhere(elsewhere: FollowersElsewhere, onNone: () => void): void {
    let isStopped = false
    this.#stopGrace = () => (isStopped = true)
    const settle = (isNone: boolean): void => {
      if (isStopped) return
      this.#stopGrace = undefined
      if (isNone) return onNone()
      this.#stopGrace = this.#clock.after(RECOUNT_MS, () => {
        this.#askElsewhere(elsewhere, () => this.watch())
      })
    }
    elsewhere.count().then(
      count => settle(count === 0),
      () => settle(false),
    )
  }

  #abandon(): void {
    this.close()
    this.#onAbandoned()
  }
}
