import type { LimitQueue } from './ready-queue.ts'
import type { Scheduler } from './scheduler.ts'

/** Whose permits they are. */
export interface PermitHost {
  /** It starts nothing now. */
  isHeld(): boolean
  /** A task has its permit. */
  granted(): void
}

/**
 * Asks limits for permits on behalf of one execution, and holds those that its tasks have.
 *
 * It never asks one limit for more than that limit can give at once: the queue in front of a limit stays as short as there
 * are executions, and every execution gets its turn, however many of its tasks wait.
 */
export class Permits {
  readonly #scheduler: Scheduler
  readonly #host: PermitHost
  readonly #releases = new Map<number, () => void>()

  constructor(scheduler: Scheduler, host: PermitHost) {
    this.#scheduler = scheduler
    this.#host = host
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

  /** Gives back the permits of tasks that have not started; they will ask again. */
  giveBack(): void {
    for (const task of this.#scheduler.revoke()) this.release(task)
  }

  #grant(queue: LimitQueue, release: () => void): void {
    const task = this.#scheduler.grant(queue, this.#host.isHeld())
    // Nobody needs it any more, or can use it now: the execution was stopped, or is held, while it waited.
    if (task === undefined) return release()
    this.#releases.set(task, release)
    this.#host.granted()
  }
}
