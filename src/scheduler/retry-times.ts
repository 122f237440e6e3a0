/** The delay before the next attempt of a failed task. */
export interface RetryDelay {
  /** When its attempt failed, ms since 1970. */
  readonly at: number
  readonly delayMs: number
}

/** The tasks that wait for their next attempt, by index. The map is created for the first one: most executions have none. */
export class RetryTimes {
  #delays: Map<number, RetryDelay> | undefined

  get(task: number): RetryDelay | undefined {
    return this.#delays?.get(task)
  }

  set(task: number, delay: RetryDelay): void {
    this.#delays ??= new Map()
    this.#delays.set(task, delay)
  }

  delete(task: number): void {
    this.#delays?.delete(task)
  }

  clear(): void {
    this.#delays = undefined
  }

  get size(): number {
    return this.#delays?.size ?? 0
  }

  entries(): Iterable<readonly [task: number, delay: RetryDelay]> {
    return this.#delays ?? []
  }
}
