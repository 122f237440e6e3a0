import { onAbort } from '../../abort-signals.ts'
import { createLimit, type Limit } from '../../tools/limit.ts'

/** How many requests go to one host at once; in the order in which they were asked for. */
export class HostLimits {
  readonly #size: number
  /** Hosts with requests that run or wait; no other is kept. */
  readonly #hosts = new Map<string, { readonly limit: Limit; count: number }>()

  constructor(size: number) {
    this.#size = size
  }

  /** Waits for a place. @returns what gives it back. @throws the signal's reason, as soon as it aborts */
  acquire(host: string, signal: AbortSignal): Promise<() => void> {
    if (this.#size === Number.POSITIVE_INFINITY) return Promise.resolve(() => {})
    const entry = this.#hosts.get(host) ?? { limit: createLimit(this.#size), count: 0 }
    this.#hosts.set(host, entry)
    entry.count += 1
    return new Promise((resolve, reject) => {
      const stopListening = onAbort(signal, () => reject(signal.reason as Error))
      entry.limit.acquire(giveBack => {
        stopListening()
        const release = (): void => {
          giveBack()
          entry.count -= 1
          if (entry.count === 0) this.#hosts.delete(host)
        }
        // Whoever gave up stays in the queue, and passes on what it is given.
        if (signal.aborted) release()
        else resolve(release)
      })
    })
  }

  /** Hosts with requests that run or wait. */
  get hostCount(): number {
    return this.#hosts.size
  }
}
