import pLimit from 'p-limit'
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
  const limit = pLimit(size)
  // p-limit counts the calls; its own queue has no priorities, so requests wait in this line in front of it.
  const line = new WaitingLine<(release: () => void) => void>()
  const isFull = (): boolean => limit.activeCount + limit.pendingCount >= size
  const hold = (): (() => void) => {
    let end = (): void => {}
    const ended = new Promise<void>(resolve => (end = resolve))
    // The call that p-limit counts lasts until the permit is released; it cannot reject.
    void limit(() => ended).then(grantNext)
    return end
  }
  const grant = (granted: (release: () => void) => void): void => {
    const release = hold()
    queueMicrotask(() => granted(release))
  }
  const grantNext = (): void => {
    const next = isFull() ? undefined : line.take()
    if (next !== undefined) grant(next)
  }
  const made: Limit = Object.freeze({
    size,
    acquire(granted: (release: () => void) => void, priority = 0) {
      if (line.size > 0 || isFull()) return line.add(granted, priority)
      grant(granted)
      return () => {}
    },
    tryAcquire() {
      return line.size > 0 || isFull() ? undefined : hold()
    },
    get waitingCount() {
      return line.size
    },
  })
  limits.add(made)
  return made
}
