/** Turns of the event loop after which all work without time has come to rest. */
const TURNS = 12

/** Time that passes only while everything waits for it: what an engine decides, without what it costs. */
export class VirtualClock {
  #now = 0
  #timers = new Set()

  now() {
    return this.#now
  }

  wallTime() {
    return Math.floor(this.#now)
  }

  after(delayMs, callback) {
    const timer = { dueAt: this.#now + Math.max(0, delayMs), callback }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** Moves time on until a promise has settled. @template T @param {Promise<T>} promise @returns {Promise<T>} */
  async run(promise) {
    const settled = { value: false }
    const settle = () => (settled.value = true)
    promise.then(settle, settle)
    for (;;) {
      for (let turn = 0; turn < TURNS && !settled.value; turn++) await new Promise(resolve => setImmediate(resolve))
      if (settled.value) return promise
      this.#fireNext()
    }
  }

  #fireNext() {
    let next
    for (const timer of this.#timers) if (next === undefined || timer.dueAt < next.dueAt) next = timer
    if (next === undefined) throw new Error('Everything waits, and no timer is set')
    this.#timers.delete(next)
    this.#now = next.dueAt
    next.callback()
  }
}

/** The clock of the machine, in the same form. */
export const REAL_CLOCK = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(() => callback(), delayMs)
    return () => clearTimeout(timer)
  },
  run: promise => promise,
}
