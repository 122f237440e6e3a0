import type { Clock } from '../../clock.ts'
import type { LogCursor } from '../../log/log-cursor.ts'
import type { HostedExecution } from '../execution/hosted-execution.ts'
import { type Lag, OpenStreams } from './open-streams.ts'
import { DagstreamError } from '../../errors.ts'

/** A reader of an event stream. */
export interface Follower {
  readonly cursor: LogCursor
  /** Idempotent. */
  readonly leave: () => void
}

/** The readers of event streams, within a bound, and the responses in several chunks that are being sent. */
export class SubscriberRegistry {
  readonly #maxSubscribers: number
  readonly #onRelease: () => void
  readonly #responses = new Set<object>()
  readonly #streams: OpenStreams
  #subscriberCount = 0

  /** @param onRelease called whenever one of them ends */
  constructor(maxSubscribers: number, clock: Clock, onRelease: () => void) {
    this.#maxSubscribers = maxSubscribers
    this.#onRelease = onRelease
    this.#streams = new OpenStreams(clock)
  }

  get subscriberCount(): number {
    return this.#subscriberCount
  }

  get lag(): Lag {
    return this.#streams.measureLag()
  }

  get isEmpty(): boolean {
    return this.#subscriberCount + this.#responses.size === 0
  }

  /** Counts a reader before its stream exists. @returns releases its place; idempotent. @throws `TOO_MANY_SUBSCRIBERS` */
  admit(): () => void {
    if (this.#subscriberCount >= this.#maxSubscribers) {
      const message = `There are ${this.#maxSubscribers} event streams open already`
      throw new DagstreamError('TOO_MANY_SUBSCRIBERS', message)
    }
    this.#subscriberCount += 1
    let hasLeft = false
    return () => {
      if (hasLeft) return
      hasLeft = true
      this.#subscriberCount -= 1
      this.#onRelease()
    }
  }

  /**
   * Opens a stream of the entries after `afterSeq`.
   * @param release releases the place of a reader that was admitted already
   * @throws `TOO_MANY_SUBSCRIBERS`
   */
  follow({ log, disconnectPolicy }: HostedExecution, afterSeq: number, release: () => void = this.admit()): Follower {
    const cursor = log.open(afterSeq)
    const endings = [this.#streams.add(log, cursor), disconnectPolicy.join(), release]
    const leave = (): void => {
      for (const end of endings) end()
    }
    return { cursor, leave }
  }

  /** Counts a response that is being sent. @returns ends it; idempotent */
  trackResponse(): () => void {
    const response = {}
    this.#responses.add(response)
    return () => {
      if (this.#responses.delete(response)) this.#onRelease()
    }
  }
}
