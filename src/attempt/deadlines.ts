import type { Clock } from '../clock.ts'

/** An item with at most one deadline at a time. It is its own list node, so that setting a deadline allocates nothing. */
export abstract class Expiring {
  /** Owned by `Deadlines`. */
  deadlineAt = 0
  /** Owned by `Deadlines`. */
  deadlineQueue: DeadlineQueue | undefined = undefined
  /** Owned by `Deadlines`. */
  previous: Expiring | undefined = undefined
  /** Owned by `Deadlines`. */
  next: Expiring | undefined = undefined

  /** Called once, when the deadline has passed and was not removed. */
  abstract expire(): void
}

/**
 * The deadlines of an execution, with one timer per distinct duration.
 *
 * Deadlines of one duration fall due in the order in which they were set, so each duration is a list with a timer for its
 * head. Setting and removing one costs a few assignments; a timer of its own would cost more than most tasks.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #queues = new Map<number, DeadlineQueue>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Sets the deadline of `item`, which must have none, to `durationMs` after `now`. */
  set(item: Expiring, durationMs: number, now: number): void {
    let queue = this.#queues.get(durationMs)
    if (queue === undefined) {
      queue = new DeadlineQueue(this.#clock)
      this.#queues.set(durationMs, queue)
    }
    item.deadlineAt = now + durationMs
    queue.add(item)
  }

  /** Removes the deadline of `item`, if it has one. */
  remove(item: Expiring): void {
    item.deadlineQueue?.remove(item)
  }

  /** Stops all timers. */
  close(): void {
    for (const queue of this.#queues.values()) queue.close()
  }
}

class DeadlineQueue {
  readonly #clock: Clock
  #first: Expiring | undefined
  #last: Expiring | undefined
  #cancelTimer: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(item: Expiring): void {
    item.deadlineQueue = this
    item.previous = this.#last
    if (this.#last === undefined) this.#first = item
    else this.#last.next = item
    this.#last = item
    if (this.#cancelTimer === undefined) this.#arm(item)
  }

  remove(item: Expiring): void {
    if (item.previous === undefined) this.#first = item.next
    else item.previous.next = item.next
    if (item.next === undefined) this.#last = item.previous
    else item.next.previous = item.previous
    item.deadlineQueue = item.previous = item.next = undefined
    // The timer stays: it finds the new head when it fires. Stopping it for every task that ends would cost more.
  }

  close(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  #arm(head: Expiring): void {
    this.#cancelTimer = this.#clock.after(Math.max(0, head.deadlineAt - this.#clock.now()), () => {
      this.#cancelTimer = undefined
      const now = this.#clock.now()
      while (this.#first !== undefined && this.#first.deadlineAt <= now) {
        const item = this.#first
        this.remove(item)
        item.expire()
      }
      if (this.#first !== undefined && this.#cancelTimer === undefined) this.#arm(this.#first)
    })
  }
}
