import { onAbort } from '../../abort-signals.ts'
import { createLimit, type Limit } from '../../tools/limit.ts'

/** Limits concurrent requests per host, first in, first out. */
export class HostLimits {
  readonly #size: number
  /** Hosts with running or waiting requests; others are evicted. */
  readonly #hosts = new Map<string, { readonly limit: Limit; count: number }>()

  constructor(size: number) {
    this.#size = size
  }

  /** Waits for a slot. @returns its release function. @throws the signal's reason, as soon as it aborts */
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
        // An aborted waiter stays queued and hands its slot on.
        if (signal.aborted) release()
        else resolve(release)
      })
    })
  }

  /** Number of hosts with running or waiting requests. */
  get hostCount(): number {
    return this.#hosts.size
  }
}
