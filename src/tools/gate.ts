import type { Clock } from '../clock.ts'
import type { Limit } from './limit.ts'
import { type Rate, TokenBucket } from './rate.ts'

/** Gives back what a gate granted. @param isUnused no call began: its token is returned, too */
export type Release = (isUnused?: boolean) => void

/** Grants the calls of tools: a `Limit`, or a rate with or without one. */
export interface Gate {
  /** Maximum number of grants that one execution requests at once. */
  readonly size: number
  /** Requests that wait. */
  readonly waitingCount: number
  /** A grant is for a call that begins now: it is given back if it is not used at once. @defaultValue false */
  readonly isRated?: boolean
  /** Calls `granted`, never synchronously. @returns withdraws the request; no effect once it is granted */
  acquire(granted: (release: Release) => void, priority: number, clock: Clock): () => void
  /** Takes a grant at once; `undefined` if none is available or others wait for one. */
  tryAcquire(clock: Clock): Release | undefined
}

/**
 * The gate of one tool with a rate. A permit of the tool's limit is not held while a token is awaited: tools without the rate
 * may share that limit.
 */
export class RatedGate implements Gate {
  /** Executions take turns for each token. */
  readonly size = 1
  readonly isRated = true
  readonly #bucket: TokenBucket
  readonly #limit: Limit | undefined

  constructor(rate: Rate, limit?: Limit) {
    this.#bucket = new TokenBucket(rate)
    this.#limit = limit
  }

  get waitingCount(): number {
    return this.#bucket.waitingCount + (this.#limit?.waitingCount ?? 0)
  }

  /** No call begins for `delayMs`, as a provider asks. */
  pause(delayMs: number, clock: Clock): void {
    this.#bucket.pause(clock, delayMs)
  }

  acquire(granted: (release: Release) => void, priority: number, clock: Clock): () => void {
    const bucket = this.#bucket
    const limit = this.#limit
    let withdraw = (): void => {}
    const awaitPermit = (): void => {
      withdraw = (limit as Limit).acquire(release => {
        if (bucket.take(clock)) return granted(this.#releaser(release))
        release()
        awaitToken()
      }, priority)
    }
    const awaitToken = (): void => {
      withdraw = bucket.wait(clock, priority, () => {
        const release = limit === undefined ? () => {} : limit.tryAcquire()
        if (release !== undefined) return granted(this.#releaser(release))
        bucket.refund()
        awaitPermit()
      })
    }
    awaitToken()
    return () => withdraw()
  }

  tryAcquire(clock: Clock): Release | undefined {
    if (this.#bucket.waitingCount > 0) return undefined
    const release = this.#limit === undefined ? () => {} : this.#limit.tryAcquire()
    if (release === undefined) return undefined
    if (this.#bucket.take(clock)) return this.#releaser(release)
    release()
    return undefined
  }

  #releaser(release: () => void): Release {
    return isUnused => {
      if (isUnused) this.#bucket.refund()
      release()
    }
  }
}
