import type { Clock } from '../../clock.ts'
import { invalidOption } from '../../errors.ts'

/**
 * What happens when nobody follows an execution any more: it is cancelled at once, after a grace, or goes on.
 * `"cancel"` is a grace of 0.
 */
export type DisconnectRule = 'cancel' | 'continue' | { readonly graceMs: number }

/** How long an execution may go unfollowed, ms; `Infinity`: for ever. @throws `INVALID_OPTION` for what is no rule */
export function parseDisconnectRule(rule: unknown): number {
  if (rule === 'cancel') return 0
  if (rule === 'continue') return Number.POSITIVE_INFINITY
  const graceMs = typeof rule === 'object' && rule !== null ? (rule as { graceMs?: unknown }).graceMs : undefined
  if (typeof graceMs === 'number' && graceMs >= 0 && Object.keys(rule as object).length === 1) return graceMs
  throw invalidOption('onDisconnect', '"cancel", "continue" or { graceMs } with a number, 0 or more', rule)
}

/**
 * Who follows one execution: subscribers, and requests that wait for its result. Once nobody has for the grace, `onGone` is
 * called, once.
 */
export class Audience {
  readonly #graceMs: number
  readonly #clock: Clock
  readonly #onGone: () => void
  #count = 0
  #isClosed = false
  #stopGrace: (() => void) | undefined

  constructor(graceMs: number, clock: Clock, onGone: () => void) {
    this.#graceMs = graceMs
    this.#clock = clock
    this.#onGone = onGone
  }

  /** One more follows. @returns its leaving; harmless to repeat */
  join(): () => void {
    this.#count += 1
    this.#stopGrace?.()
    this.#stopGrace = undefined
    let hasLeft = false
    return () => {
      if (hasLeft) return
      hasLeft = true
      this.#count -= 1
      this.watch()
    }
  }

  /** The grace begins if nobody is there. Called by itself whenever the last one leaves. */
  watch(): void {
    if (this.#count > 0 || this.#isClosed || this.#stopGrace !== undefined) return
    if (this.#graceMs === 0) return this.#gone()
    if (this.#graceMs === Number.POSITIVE_INFINITY) return
    this.#stopGrace = this.#clock.after(this.#graceMs, () => this.#gone())
  }

  /** It does not matter any more who follows: the execution has ended, or the process is about to. */
  close(): void {
    this.#isClosed = true
    this.#stopGrace?.()
    this.#stopGrace = undefined
  }

  #gone(): void {
    this.close()
    this.#onGone()
  }
}
