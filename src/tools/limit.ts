import pLimit from 'p-limit'
import { invalidOption } from '../errors.ts'

/**
 * Allows at most `size` concurrent calls to all tools and executions that share this object.
 *
 * Permits are granted in the order of the requests.
 */
export interface Limit {
  /** Maximum number of concurrent calls. */
  readonly size: number
  /** Requests a permit. `granted` is called, never synchronously, with a `release` function; call that exactly once. */
  acquire(granted: (release: () => void) => void): void
  /** Takes a permit at once and returns its `release`; `undefined` if none is free or others wait for one. */
  tryAcquire(): (() => void) | undefined
  /** Number of requests that wait for a permit. */
  readonly waitingCount: number
}

/** All limits of `createLimit`. Other implementations are refused: nothing ensures that they keep the contract. */
const limits = new WeakSet<object>()

/** Whether `createLimit` created the value. */
export function isLimit(value: unknown): value is Limit {
  return typeof value === 'object' && value !== null && limits.has(value)
}

/** Creates a limit that tools can share. @throws `INVALID_OPTION` if `size` is not a positive integer */
export function createLimit(size: number): Limit {
  if (!Number.isInteger(size) || size < 1) throw invalidOption('limit', 'a positive integer', size)
  const limit = pLimit(size)
  const made: Limit = Object.freeze({
    size,
    acquire(granted: (release: () => void) => void) {
      // The call that p-limit counts lasts until the permit is released; it cannot reject.
      void limit(() => new Promise<void>(granted))
    },
    tryAcquire() {
      if (limit.activeCount >= size || limit.pendingCount > 0) return undefined
      // With a free slot and no waiting request, p-limit counts the call at once, although it runs a microtask later.
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
