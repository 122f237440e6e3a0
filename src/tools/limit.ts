import { invalidOption } from '../errors.ts'
import { WaitingLine } from './waiting-line.ts'

/**
 * Allows at most `size` concurrent calls to all tools and executions that share this object.
 *
 * Permits are granted by priority, and for the same priority in the order of the requests.
 */
export interface Limit {
  /** Maximum number of concurrent calls. */
  readonly size: number
  /**
   * Requests a permit. `granted` is called, never synchronously, with a `release` function; call that exactly once.
   * @param priority higher ones come first. @defaultValue 0
   * @returns withdraws the request; no effect once the permit is assigned
   */
  acquire(granted: (release: () => void) => void, priority?: number): () => void
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
  const line = new WaitingLine<(release: () => void) => void>()
  let freeCount = size
  // Invariant: while a permit is free, no request waits.
  const release = (): void => {
    const next = line.take()
    if (next === undefined) freeCount += 1
    else grant(next)
  }
  const grant = (granted: (release: () => void) => void): void => queueMicrotask(() => granted(releaseOnce(release)))
  const made: Limit = Object.freeze({
    size,
    acquire(granted: (release: () => void) => void, priority = 0) {
      if (freeCount === 0) return line.add(granted, priority)
      freeCount -= 1
      grant(granted)
      return () => {}
    },
    tryAcquire() {
      if (freeCount === 0) return undefined
      freeCount -= 1
      return releaseOnce(release)
    },
    get waitingCount() {
      return line.size
    },
  })
  limits.add(made)
  return made
}

/** A second call must not create a permit. */
function releaseOnce(release: () => void): () => void {
  let isReleased = false
  return () => {
    if (isReleased) return
    isReleased = true
    release()
  }
}
