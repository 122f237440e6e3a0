import type { FollowersElsewhere } from '../execution/disconnect-policy.ts'
import type { SubscriberCounts } from './subscriber-counts.ts'

/** The followers of one log of an execution here, and the count of those at other servers. */
export class Followers implements FollowersElsewhere {
  readonly #executionId: string
  readonly #counts: SubscriberCounts
  readonly #countAll: () => Promise<number>
  #count = 0
  #isPublished: boolean

  /**
   * @param countAll the published followers at all servers
   * @param isPublished whether another server coordinates the execution and has to know of the followers here
   */
  constructor(executionId: string, counts: SubscriberCounts, countAll: () => Promise<number>, isPublished: boolean) {
    this.#executionId = executionId
    this.#counts = counts
    this.#countAll = countAll
    this.#isPublished = isPublished
  }

  changed(count: number): void {
    this.#count = count
    if (this.#isPublished) this.#counts.set(this.#executionId, this, count)
  }

  /** From now on another server coordinates the execution. */
  publish(): void {
    this.#isPublished = true
    this.changed(this.#count)
  }

  count(): Promise<number> {
    return this.#countAll()
  }
}
