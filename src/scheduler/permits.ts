import type { Clock } from '../clock.ts'
import type { Release } from '../tools/gate.ts'
import type { LimitQueue } from './ready-queue.ts'
import type { PermitSource, ReadyTasks } from './ready-tasks.ts'

/** Callbacks of `Permits` to its execution. */
export interface PermitCallbacks {
  /** Whether the execution is paused. */
  isPaused(): boolean
  /** A task has been granted its permit. */
  granted(): void
}

/** The starts of an execution, as its permits see them. */
export interface PermitStarts {
  readonly ready: ReadyTasks
  /** Whether another task could start now. */
  readonly hasSlot: boolean
}

/** The options of an execution that its requests depend on. */
export interface PermitOptions {
  readonly clock: Clock
  readonly priority: number
}

interface SparePermit {
  readonly queue: LimitQueue
  readonly release: Release
  isFresh: boolean
  /** Granted for a call that has not begun. */
  readonly isUnused: boolean
}

/**
 * Holds the permits of one execution's tasks. A limit with free permits grants one at once, so that a limited task keeps its
 * place in the order; otherwise the execution waits in the queue of the limit.
 *
 * It never requests more permits than a limit has: the queue of a limit is bounded by the number of executions, and
 * executions take turns, however many of their tasks wait.
 *
 * A grant of a rate is for a call that begins at once: it is requested while a slot is free, kept for one slice, and never
 * passed on by a task that has ended.
 */
export class Permits implements PermitSource {
  readonly #ready: ReadyTasks
  readonly #starts: PermitStarts
  readonly #callbacks: PermitCallbacks
  readonly #options: PermitOptions
  #releases: Map<number, Release> | undefined
  /** Withdraws the request for a rate. */
  #withdrawals: Map<LimitQueue, () => void> | undefined
  /**
   * Permits of ended tasks, kept for a moment for tasks of the same execution. A permit is fresh until the slice after the
   * end of its task is in the log, because the slot becomes free only then.
   */
  #spare: SparePermit[] = []
  /** No task uses a permit any more. */
  #isClosed = false

  constructor(starts: PermitStarts, options: PermitOptions, callbacks: PermitCallbacks) {
    this.#starts = starts
    this.#ready = starts.ready
    this.#callbacks = callbacks
    this.#options = options
  }

  /** Takes a permit for this task if one is available now. Called by the ready tasks. */
  take(queue: LimitQueue, task: number): boolean {
    const at = this.#spare.findIndex(spare => spare.queue === queue)
    const release = at < 0 ? queue.limit.tryAcquire(this.#options.clock) : this.#spare.splice(at, 1)[0]?.release
    if (release === undefined) return false
    this.#own().set(task, release)
    return true
  }

  /** After a slice of starts: releases unused permits, and requests those that ready tasks still need. */
  request(): void {
    if (this.#spare.length > 0) this.#agePermits()
    const { priority, clock } = this.#options
    for (const queue of this.#ready.limitQueues) {
      const { limit } = queue
      if (limit.isRated && !this.#starts.hasSlot) continue
      const wanted = Math.min(queue.ready.size, limit.size)
      while (queue.requestedCount < wanted) {
        queue.requestedCount += 1
        const withdraw = limit.acquire(release => this.#grant(queue, release), priority, clock)
        if (limit.isRated) (this.#withdrawals ??= new Map()).set(queue, withdraw)
      }
    }
  }

  /** Releases the permit of a task, if it has one. */
  release(task: number): void {
    const release = this.#releases?.get(task)
    if (release === undefined) return
    this.#releases?.delete(task)
    const queue = this.#ready.queueFor(task)
    if (queue === undefined || queue.ready.size === 0 || queue.limit.isRated) return release()
    // Other executions that wait for the limit come first.
    if (this.#isClosed || queue.limit.waitingCount > queue.requestedCount) return release()
    this.#spare.push({ queue, release, isFresh: true, isUnused: false })
  }

  /** Releases the permits of tasks that have not started; they request new ones. */
  giveBack(): void {
    for (const task of this.#ready.revoke()) this.#releaseNow(task)
    this.#releaseSpare()
    this.#withdraw(() => true)
  }

  /** Releases the permits of ready tasks that no longer start. */
  prune(isDead: (task: number) => boolean): void {
    // Deleting from a map during its iteration is safe.
    for (const task of this.#releases?.keys() ?? []) if (isDead(task)) this.#releaseNow(task)
    this.#releaseSpare()
    this.#withdraw(queue => queue.ready.size === 0)
  }

  /** No task starts any more: discards the ready tasks and releases their permits. */
  close(): void {
    this.#isClosed = true
    for (const task of this.#ready.clear()) this.#releaseNow(task)
    this.#releaseSpare()
    this.#withdraw(() => true)
  }

  #releaseNow(task: number): void {
    this.#releases?.get(task)?.()
    this.#releases?.delete(task)
  }

  #own(): Map<number, Release> {
    return (this.#releases ??= new Map())
  }

  #releaseSpare(): void {
    for (const { release, isUnused } of this.#spare.splice(0)) release(isUnused)
  }

  /** Withdraws requests for rates, whose timers would outlive the execution. */
  #withdraw(isUnneeded: (queue: LimitQueue) => boolean): void {
    for (const [queue, withdraw] of this.#withdrawals ?? []) {
      if (!isUnneeded(queue)) continue
      withdraw()
      queue.requestedCount = 0
      this.#withdrawals?.delete(queue)
    }
  }

  #agePermits(): void {
    const kept = this.#spare.filter(({ isFresh }) => isFresh)
    for (const { isFresh, isUnused, release } of this.#spare) if (!isFresh) release(isUnused)
    for (const spare of kept) spare.isFresh = false
    this.#spare = kept
  }

  #grant(queue: LimitQueue, release: Release): void {
    if (queue.limit.isRated) return this.#grantRated(queue, release)
    queue.requestedCount -= 1
    const isNeeded = !this.#isClosed && !this.#callbacks.isPaused()
    const task = isNeeded ? this.#ready.grant(queue) : undefined
    // No task needs it, or can use it now: the execution has ended or was stopped or paused while it waited.
    if (task === undefined) return release()
    this.#own().set(task, release)
    this.#callbacks.granted()
  }

  #grantRated(queue: LimitQueue, release: Release): void {
    // Withdrawn after it was assigned.
    if (this.#withdrawals?.delete(queue) !== true) return release(true)
    queue.requestedCount -= 1
    if (this.#callbacks.isPaused() || queue.ready.size === 0) return release(true)
    this.#spare.push({ queue, release, isFresh: false, isUnused: true })
    this.#callbacks.granted()
  }
}
