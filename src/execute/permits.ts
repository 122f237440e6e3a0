import type { LimitQueue, Scheduler } from './scheduler.ts'

/**
 * Asks limits for permits on behalf of one execution, and holds those that its tasks have.
 *
 * It never asks one limit for more than that limit can give at once: the queue in front of a limit stays as short as there
 * are executions, and every execution gets its turn, however many of its tasks wait.
 */
export class Permits {
  readonly #scheduler: Scheduler
  readonly #onGranted: () => void
  readonly #releases = new Map<number, () => void>()

  constructor(scheduler: Scheduler, onGranted: () => void) {
    this.#scheduler = scheduler
    this.#onGranted = onGranted
  }

  /** Asks for what ready tasks need. */
  request(): void {
    for (const queue of this.#scheduler.limitQueues) {
      const wanted = Math.min(queue.ready.size, queue.limit.size)
      while (queue.requestedCount < wanted) {
        queue.requestedCount += 1
        queue.limit.acquire(release => this.#grant(queue, release))
      }
    }
  }

  /** Gives back the permit of a task, if it has one. */
  release(task: number): void {
    const release = this.#releases.get(task)
    if (release === undefined) return
    this.#releases.delete(task)
    release()
  }

  #grant(queue: LimitQueue, release: () => void): void {
    const task = this.#scheduler.grant(queue)
    // Nobody needs it any more: the execution was stopped while it waited.
    if (task === undefined) return release()
    this.#releases.set(task, release)
    this.#onGranted()
  }
}
