import pLimit from 'p-limit'
import { invalidOption } from '../errors.ts'

/**
 * At most `size` calls at once, for everyone who holds this object, across tools and executions.
 *
 * Permits are given in the order in which they were asked for.
 */
export interface Limit {
  /** How many calls may run at once. */
  readonly size: number
  /** Asks for a permit. `granted` is called, never synchronously, with what gives it back; call that exactly once. */
  acquire(granted: (release: () => void) => void): void
  /** A permit at once, as what gives it back; `undefined` where there is none, or others wait for one. */
  tryAcquire(): (() => void) | undefined
  /** How many have asked for a permit and not been given it. */
  readonly waitingCount: number
}

/** Every limit that was made here: nothing else is known to give each permit once, later, and take it back. */
const limits = new WeakSet<object>()

/** Whether `createLimit` made it. */
export function isLimit(value: unknown): value is Limit {
  return typeof value === 'object' && value !== null && limits.has(value)
}

/** A limit to share between tools. @throws `INVALID_OPTION` if `size` is not a positive integer. */
export function createLimit(size: number): Limit {
  if (!Number.isInteger(size) || size < 1) throw invalidOption('limit', 'a positive integer', size)
  const limit = pLimit(size)
  const made: Limit = Object.freeze({
    size,
    acquire(granted: (release: () => void) => void) {
      // The call that p-limit counts lasts as long as the permit is held; it cannot reject.
      void limit(() => new Promise<void>(granted))
    },
    tryAcquire() {
      if (limit.activeCount >= size || limit.pendingCount > 0) return undefined
      // With room and nobody before it the call is counted at once, though it runs a moment later.
      let release = (): void => {}
      const released = new Promise<void>(resolve => (release = resolve))
      void limit(() => released)
      return release
    },
    get waitingCount() {
      return limit.pendingCount
    },
  })
  limits.add(made)
  return made
}
