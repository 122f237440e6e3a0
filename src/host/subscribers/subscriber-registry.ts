import type { Clock } from '../../clock.ts'
import type { LogCursor } from '../../log/log-cursor.ts'
import type { HostedExecution } from '../execution/hosted-execution.ts'
import { type Lag, OpenStreams } from './open-streams.ts'
import { tryLater } from '../../http/answers/problem.ts'

/** A reader of an event stream. */
export interface Follower {
  readonly cursor: LogCursor
  /** Harmless to repeat. */
  readonly leave: () => void
}

/** Who is being served: readers of event streams, within a bound, and answers in several chunks that are being sent. */
export class Attendance {
  readonly #maxSubscribers: number
  readonly #onLess: () => void
  readonly #answers = new Set<object>()
  readonly #streams: OpenStreams
  #subscriberCount = 0

  /** `onLess` is called whenever one of them is over. */
  constructor(maxSubscribers: number, clock: Clock, onLess: () => void) {
    this.#maxSubscribers = maxSubscribers
    this.#onLess = onLess
    this.#streams = new OpenStreams(clock)
  }

  get subscriberCount(): number {
    return this.#subscriberCount
  }

  get lag(): Lag {
    return this.#streams.measureLag()
  }

  get isEmpty(): boolean {
    return this.#subscriberCount + this.#answers.size === 0
  }

  /** Counts a reader, before there is anything to read. @returns its leaving; harmless to repeat. @throws HttpProblem 429 */
  admit(): () => void {
    if (this.#subscriberCount >= this.#maxSubscribers) {
      throw tryLater(429, `There are ${this.#maxSubscribers} event streams open already`, 'TOO_MANY_SUBSCRIBERS')
    }
    this.#subscriberCount += 1
    let hasLeft = false
    return () => {
      if (hasLeft) return
      hasLeft = true
      this.#subscriberCount -= 1
      this.#onLess()
    }
  }

  /**
   * A reader follows from behind a place.
   * @param dismiss the leaving of one who is admitted already
   * @throws HttpProblem 429
   */
  follow({ log, audience }: HostedExecution, afterSeq: number, dismiss: () => void = this.admit()): Follower {
    const cursor = log.open(afterSeq)
    const endings = [this.#streams.add(log, cursor), audience.join(), dismiss]
    const leave = (): void => {
      for (const end of endings) end()
    }
    return { cursor, leave }
  }

  /** Counts an answer that is being sent. @returns what ends it; harmless to repeat */
  attend(): () => void {
    const answer = {}
    this.#answers.add(answer)
    return () => {
      if (this.#answers.delete(answer)) this.#onLess()
    }
  }
}
