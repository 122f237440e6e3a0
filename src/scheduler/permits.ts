import type { LimitQueue } from './ready-queue.ts'
import type { PermitSource, ReadyTasks } from './ready-tasks.ts'

/** Callbacks of `Permits` to its execution. */
export interface PermitCallbacks {
  /** Whether the execution is paused. */
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
 * Holds the permits of one execution's tasks. A limit with free permits grants one at once, so that a limited task keeps its
 * place in the order; otherwise the execution waits in the queue of the limit.
 *
 * It never requests more permits than a limit has: the queue of a limit is bounded by the number of executions, and
 * executions take turns, however many of their tasks wait.
 */
export class Permits implements PermitSource {
  readonly #ready: ReadyTasks
  readonly #callbacks: PermitCallbacks
  #releases: Map<number, () => void> | undefined
  /**
   * Permits of ended tasks, kept for a moment for tasks of the same execution. A permit is fresh until the slice after the
   * end of its task is in the log, because the slot becomes free only then.
   */
  #spare: SparePermit[] = []

  constructor(ready: ReadyTasks, callbacks: PermitCallbacks) {
    this.#ready = ready
    this.#callbacks = callbacks
  }

  /** Takes a permit for this task if one is available now. Called by the ready tasks. */
  take(queue: LimitQueue, task: number): boolean {
    const at = this.#spare.findIndex(spare => spare.queue === queue)
    const release = at < 0 ? queue.limit.tryAcquire() : this.#spare.splice(at, 1)[0]?.release
    if (release === undefined) return false
    this.#own().set(task, release)
    return true
  }

  /** After a slice of starts: releases unused permits, and requests those that ready tasks still need. */
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

  /** Releases the permit of a task, if it has one. */
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

  /** Releases the permits of tasks that have not started; they request new ones. */
  giveBack(): void {
    for (const task of this.#ready.revoke()) this.#releaseNow(task)
    this.#releaseSpare()
  }

  /** Releases the permits of ready tasks that no longer start. */
  prune(isDead: (task: number) => boolean): void {
    // Deleting from a map during its iteration is safe.
    for (const task of this.#releases?.keys() ?? []) if (isDead(task)) this.#releaseNow(task)
    this.#releaseSpare()
  }

  /** No task starts any more: discards the ready tasks and releases their permits. */
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
    // No task needs it, or can use it now: the execution was stopped or paused while it waited.
    if (task === undefined) return release()
    this.#own().set(task, release)
    this.#callbacks.granted()
  }
}
