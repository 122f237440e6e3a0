/** Time as dagstream uses it. Injected, so that tests hold it in their hand. */
export interface Clock {
  /** Milliseconds of a monotonic clock, with fractions; only differences mean anything. */
  now(): number
  /** Milliseconds since 1970, for timestamps. */
  wallTime(): number
  /** Calls `callback` once, `delayMs` from now. @returns what cancels it; cancelling later or twice does nothing. */
  after(delayMs: number, callback: () => void): () => void
}

/** The functions of a `Clock`. */
export const CLOCK_METHODS: readonly (keyof Clock)[] = ['now', 'wallTime', 'after']

/** The longest delay a JavaScript timer can keep; a longer one would fire at once. */
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

/** How long dagstream works within one turn of the event loop before it lets others run, ms. */
const TURN_BUDGET_MS = 8

/** When the work of this turn began; `undefined` once the loop has turned. Shared by all executions, as the loop is. */
let turnStartedAt: number | undefined

/**
 * Whether this turn of the event loop has done enough: stop, and go on by `afterTurn`.
 *
 * Promises alone never let the loop turn: without this, tools that answer at once would starve sockets and timers.
 */
export function isTurnSpent(): boolean {
  const now = performance.now()
  const isSpent = turnStartedAt !== undefined && now - turnStartedAt > TURN_BUDGET_MS
  if (turnStartedAt !== undefined && !isSpent) return false
  const startedAt = (turnStartedAt ??= now)
  // Armed again by each that finds it spent: on workerd a timer ends with the request that set it, and may never fire.
  afterTurn(() => {
    if (turnStartedAt === startedAt) turnStartedAt = undefined
  })
  return isSpent
}

/** Calls `callback` once, after the event loop has had a chance to serve sockets and timers. */
export const afterTurn: (callback: () => void) => void =
  typeof setImmediate === 'function'
    ? callback => void setImmediate(callback)
    : callback => void setTimeout(callback, 0)
