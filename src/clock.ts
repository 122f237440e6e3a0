/** Time as dagstream uses it. Injected, so that tests hold it in their hand. */
export interface Clock {
  /** Milliseconds of a monotonic clock, with fractions; only differences mean anything. */
  now(): number
  /** Milliseconds since 1970, for timestamps. */
  wallTime(): number
  /** Calls `callback` once, `delayMs` from now. @returns what cancels it; cancelling later or twice does nothing. */
  after(delayMs: number, callback: () => void): () => void
}

/** The longest delay a JavaScript timer can keep; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after(delayMs, callback) {
    let timer: ReturnType<typeof setTimeout>
    const arm = (left: number): void => {
      timer = setTimeout(() => (left > MAX_TIMER_MS ? arm(left - MAX_TIMER_MS) : callback()), Math.min(left, MAX_TIMER_MS))
    }
    arm(delayMs)
    return () => clearTimeout(timer)
  },
}
