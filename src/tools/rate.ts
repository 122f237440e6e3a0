import type { Clock } from '../clock.ts'
import { cutText } from '../text.ts'
import { WaitingLine } from './waiting-line.ts'

/**
 * How often calls of a tool may begin: a bucket of `max` calls that fills again within `perMs`, continuously.
 *
 * So at most `max` calls begin at once, at most `max` per `perMs` in the long run, and at most twice `max` within any `perMs`.
 */
export interface Rate {
  /** 1–1,000,000. */
  readonly max: number
  /** 1–86,400,000 (a day), ms. */
  readonly perMs: number
}

/** The largest values of the fields of a rate. */
const MOST: Readonly<Record<keyof Rate, number>> = { max: 1_000_000, perMs: 86_400_000 }

/** The first fault of a rate: the field, the expectation and the value; `undefined` for a valid rate. */
export function findRateFault(rate: unknown): [field: string, expected: string, found: unknown] | undefined {
  if (typeof rate !== 'object' || rate === null || Array.isArray(rate)) {
    return ['rate', 'an object, `{ max, perMs }`', rate]
  }
  for (const [field, value] of Object.entries(rate)) {
    if (!Object.hasOwn(MOST, field)) return [`rate.${cutText(field, 40)}`, 'absent (known are max, perMs)', value]
  }
  for (const [field, most] of Object.entries(MOST)) {
    const value: unknown = Reflect.get(rate, field)
    const isInRange = Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most
    if (!isInRange) return [`rate.${field}`, `an integer from 1 to ${most}`, value]
  }
  return undefined
}

/** Sums of times are not exact, ms. */
const TOLERANCE_MS = 1e-6

/** The token bucket of a rate. Its times are those of the clock that its first caller passes. */
export class TokenBucket {
  readonly #intervalMs: number
  readonly #burstMs: number
  readonly #line = new WaitingLine<() => void>()
  #clock: Clock | undefined
  /** When the bucket will be full again. */
  #fullAt = Number.NEGATIVE_INFINITY
  #pausedUntil = Number.NEGATIVE_INFINITY
  #stopTimer: (() => void) | undefined

  constructor({ max, perMs }: Rate) {
    this.#intervalMs = perMs / max
    this.#burstMs = this.#intervalMs * (max - 1)
  }

  get waitingCount(): number {
    return this.#line.size
  }

  /** Takes a token if there is one. */
  take(clock: Clock): boolean {
    const { now } = this.#bind(clock)
    if (this.#availableAt - now > TOLERANCE_MS) return false
    this.#fullAt = Math.max(now, this.#fullAt) + this.#intervalMs
    return true
  }

  /** Returns a token without a call. */
  refund(): void {
    this.#fullAt -= this.#intervalMs
    if (this.#line.size > 0) this.#arm()
  }

  /**
   * Calls `taken`, never synchronously, once a token is taken for it: by priority, then in the order of the requests.
   * @returns withdraws the request; no effect once the token is taken
   */
  wait(clock: Clock, priority: number, taken: () => void): () => void {
    this.#bind(clock)
    const remove = this.#line.add(taken, priority)
    if (this.#line.size === 1) this.#arm()
    return () => {
      remove()
      if (this.#line.size === 0) this.#disarm()
    }
  }

  /** No token is available for `delayMs`. A longer pause stays. */
  pause(clock: Clock, delayMs: number): void {
    const { now } = this.#bind(clock)
    this.#pausedUntil = Math.max(this.#pausedUntil, now + delayMs)
    if (this.#line.size > 0) this.#arm()
  }

  get #availableAt(): number {
    return Math.max(this.#fullAt - this.#burstMs, this.#pausedUntil)
  }

  #bind(clock: Clock): { readonly now: number } {
    this.#clock ??= clock
    return { now: this.#clock.now() }
  }

  /** One timer for the first of the line; none while nothing waits, so that no process stays alive for it. */
  #arm(): void {
    const clock = this.#clock as Clock
    this.#disarm()
    this.#stopTimer = clock.after(Math.max(0, this.#availableAt - clock.now()), () => {
      this.#stopTimer = undefined
      while (this.#line.size > 0 && this.take(clock)) this.#line.take()?.()
      if (this.#line.size > 0) this.#arm()
    })
  }

  #disarm(): void {
    this.#stopTimer?.()
    this.#stopTimer = undefined
  }
}
