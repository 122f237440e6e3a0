import { tryLater } from './problem.ts'

/** Who is being served: readers of event streams, within a bound, and answers in several chunks that are being sent. */
export class Attendance {
  readonly #maxSubscribers: number
  readonly #onLess: () => void
  readonly #answers = new Set<object>()
  #subscriberCount = 0

  /** `onLess` is called whenever one of them is over. */
  constructor(maxSubscribers: number, onLess: () => void) {
    this.#maxSubscribers = maxSubscribers
    this.#onLess = onLess
  }

  get subscriberCount(): number {
    return this.#subscriberCount
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

  /** Counts an answer that is being sent. @returns what ends it; harmless to repeat */
  attend(): () => void {
    const answer = {}
    this.#answers.add(answer)
    return () => {
      if (this.#answers.delete(answer)) this.#onLess()
    }
  }
}
