import type { LimitQueue } from './ready-queue.ts'
import type { PermitSource, ReadyTasks } from './ready-tasks.ts'

/** The execution whose permits they are. */
export interface PermitCallbacks {
  /** Whether it starts nothing now. */
  isPaused(): boolean
  /** A task has been granted its permit. */
  granted(): void
}

interface SparePermit {
  readonly queue: LimitQueue
  readonly release: () => void
  isFresh: boolean
}

/**
 * Holds the permits of one execution's tasks. A limit with room gives one at once, so that a limited task keeps its place among
 * the others; otherwise the execution waits in the limit's own queue.
 *
 * It never asks one limit for more than that limit can give at once: the queue in front of a limit stays as short as there
 * are executions, and every execution gets its turn, however many of its tasks wait.
 */
export class Permits implements PermitSource {
  readonly #ready: ReadyTasks
  readonly #callbacks: PermitCallbacks
  #releases: Map<number, () => void> | undefined
  /**
   * Permits of tasks that have ended, for tasks of the same execution: a limit takes one back only a moment later. Until the
   * slice after the end of their task is in the log they are fresh: its slot is free only then.
   */
  #spare: SparePermit[] = []

  constructor(ready: ReadyTasks, callbacks: PermitCallbacks) {
    this.#ready = ready
    this.#callbacks = callbacks
  }

  /** For the ready tasks: a permit for this task, at once, if there is one. */
  take(queue: LimitQueue, task: number): boolean {
    const at = this.#spare.findIndex(spare => spare.queue === queue)
    const release = at < 0 ? queue.limit.tryAcquire() : this.#spare.splice(at, 1)[0]?.release
    if (release === undefined) return false
    this.#own().set(task, release)
    return true
  }

  /** After a slice of starts: gives back what was not used, and asks for what ready tasks still need. */
  request(): void {
    if (this.#spare.length > 0) this.#agePermits()
    for (const queue of this.#ready.limitQueues) {
      const wanted = Math.min(queue.ready.size, queue.limit.size)
      while (queue.requestedCount < wanted) {
        queue.requestedCount += 1
        queue.limit.acquire(release => this.#grant(queue, release))
      }
    }
  }

  /** Gives back the permit of a task, if it has one. */
  release(task: number): void {
    const release = this.#releases?.get(task)
    if (release === undefined) return
    this.#releases?.delete(task)
    const queue = this.#ready.queueFor(task)
    // Other executions that wait for the limit come first.
    if (queue === undefined || queue.ready.size === 0 || queue.limit.waitingCount > queue.requestedCount)
      return release()
    this.#spare.push({ queue, release, isFresh: true })
  }

  /** Gives back the permits of tasks that have not started; they ask again. */
  giveBack(): void {
    for (const task of this.#ready.revoke()) this.#releaseNow(task)
    this.#releaseSpare()
  }

  /** Some ready tasks do not start any more: gives back their permits. */
  prune(isDead: (task: number) => boolean): void {
    // A map can lose entries while it is walked through.
    for (const task of this.#releases?.keys() ?? []) if (isDead(task)) this.#releaseNow(task)
    this.#releaseSpare()
  }

  /** Nothing starts any more: forgets the ready tasks and gives back what they held. */
  close(): void {
    for (const task of this.#ready.clear()) this.#releaseNow(task)
    this.#releaseSpare()
  }

  #releaseNow(task: number): void {
    this.#releases?.get(task)?.()
    this.#releases?.delete(task)
  }

  #own(): Map<number, () => void> {
    return (this.#releases ??= new Map())
  }

  #releaseSpare(): void {
    for (const { release } of this.#spare.splice(0)) release()
  }

  #agePermits(): void {
    const kept = this.#spare.filter(({ isFresh }) => isFresh)
    for (const { isFresh, release } of this.#spare) if (!isFresh) release()
    for (const spare of kept) spare.isFresh = false
    this.#spare = kept
  }

  #grant(queue: LimitQueue, release: () => void): void {
    queue.requestedCount -= 1
    const task = this.#callbacks.isPaused() ? undefined : this.#ready.grant(queue)
    // No task needs it any more, or can use it now: the execution was stopped or paused while it waited.
    if (task === undefined) return release()
    this.#own().set(task, release)
    this.#callbacks.granted()
  }
}
