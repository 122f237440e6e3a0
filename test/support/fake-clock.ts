import type { Clock } from '../../src/clock.ts'

interface Timer {
  readonly dueAt: number
  readonly callback: () => void
}

/**
 * A clock that stands still until a test moves it.
 *
 * Timers fire in the order of their times, equal ones in the order they were set, each at its own time; those set on the
 * way fire too if they fall due.
 */
export class FakeClock implements Clock {
  /** The wall time it starts at: 2026-01-01T00:00:00.000Z. */
  static readonly START: number = Date.UTC(2026, 0, 1)

  #elapsedMs = 0
  readonly #timers = new Set<Timer>()

  /** Begins at 1,000, so that code which takes it for a time since 0 shows. */
  now(): number {
    return 1000 + this.#elapsedMs
  }

  wallTime(): number {
    return FakeClock.START + Math.floor(this.#elapsedMs)
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer: Timer = { dueAt: this.#elapsedMs + Math.max(0, delayMs), callback }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** How many timers are set: 0 when nothing has leaked. */
  get timerCount(): number {
    return this.#timers.size
  }

  /** How long until the next timer fires, ms; `undefined` when none is set. */
  get nextTimerMs(): number | undefined {
    const next = this.#findNext()
    return next && next.dueAt - this.#elapsedMs
  }

  /** Moves time on, firing what falls due, all before it returns. Promises made on the way settle later: see `run`. */
  advance(ms: number): void {
    const until = this.#elapsedMs + ms
    while (this.#fireNext(until));
    this.#elapsedMs = until
  }

  /** Like `advance`, but lets everything that is under way come to rest before the first timer and after each one. */
  async run(ms: number): Promise<void> {
    const until = this.#elapsedMs + ms
    do await idle()
    while (this.#fireNext(until))
    this.#elapsedMs = until
  }

  #fireNext(until: number): boolean {
    const next = this.#findNext()
    if (next === undefined || next.dueAt > until) return false
    this.#timers.delete(next)
    this.#elapsedMs = next.dueAt
    next.callback()
    return true
  }

  #findNext(): Timer | undefined {
    let next: Timer | undefined
    // A set keeps the order of insertion, so the first of equals is the one that was set first.
    for (const timer of this.#timers) if (next === undefined || timer.dueAt < next.dueAt) next = timer
    return next
  }
}

/**
 * Turns of the event loop after which everything that is under way has come to rest. Two suffice on an idle machine; work that
 * was interrupted for longer than its budget of a turn goes on in a later one.
 */
const TURNS = 12

/** Resolves when all promises that can settle without time or input have. */
export async function idle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise(resolve => setImmediate(resolve))
}
