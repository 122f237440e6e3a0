/** Source of time. Injected, so that tests control it. */
export interface Clock {
  /** Milliseconds of a monotonic clock, with fractions. Only differences are meaningful. */
  now(): number
  /** Milliseconds since 1970, for timestamps. */
  wallTime(): number
  /** Calls `callback` once, after `delayMs`. @returns a function that cancels it; idempotent, no effect after the call */
  after(delayMs: number, callback: () => void): () => void
}

/** The method names of a `Clock`. */
export const CLOCK_METHODS: readonly (keyof Clock)[] = ['now', 'wallTime', 'after']

/** Maximum delay of a JavaScript timer; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after(delayMs, callback) {
    let timer: ReturnType<typeof setTimeout>
    const arm = (left: number): void => {
      timer = setTimeout(
        () => (left > MAX_TIMER_MS ? arm(left - MAX_TIMER_MS) : callback()),
        Math.min(left, MAX_TIMER_MS),
      )
    }
    arm(delayMs)
    return () => clearTimeout(timer)
  },
}

/** Maximum time that dagstream works within one turn of the event loop before it yields, ms. */
const TURN_BUDGET_MS = 8

/**
 * Start of the work of this turn; `undefined` after the loop has turned. Global, because all executions share the loop.
 */
let turnStartedAt: number | undefined

/**
 * Whether the budget of this turn of the event loop is spent: if so, stop and continue in `afterTurn`.
 *
 * Promises alone never let the loop turn, so without yielding, synchronous tools would starve sockets and timers.
 */
export function isTurnSpent(): boolean {
  const now = performance.now()
  const isSpent = turnStartedAt !== undefined && now - turnStartedAt > TURN_BUDGET_MS
  if (turnStartedAt !== undefined && !isSpent) return false
  const startedAt = (turnStartedAt ??= now)
  // Every caller that finds the budget spent arms a timer: on workerd a timer ends with its request and may never fire.
  afterTurn(() => {
    if (turnStartedAt === startedAt) turnStartedAt = undefined
  })
  return isSpent
}

/** Calls `callback` once, after the event loop could serve sockets and timers. */
export const afterTurn: (callback: () => void) => void =
  typeof setImmediate === 'function'
    ? callback => void setImmediate(callback)
    : callback => void setTimeout(callback, 0)
