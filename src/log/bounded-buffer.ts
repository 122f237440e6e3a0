import type { SSEEvent } from '../events/events.ts'
import { type BoundHooks, type BufferOptions, ReaderBound } from './reader-bound.ts'

/** Callbacks of a buffer to its writer and its reader. Called synchronously; must not throw. */
export interface BufferHooks extends BoundHooks {
  /** An event is available. */
  readable(): void
}

/** A FIFO of events between one writer and one reader, bounded by `ReaderBound`. */
export class BoundedBuffer {
  readonly #hooks: BufferHooks
  readonly #bound: ReaderBound
  #items: { event: SSEEvent; weight: number }[] = []
  /** Number of items at the front of the array that were taken already. */
  #taken = 0
  #bytes = 0
  #isClosed = false

  /** @throws `INVALID_OPTION` */
  constructor(options: BufferOptions, hooks: BufferHooks) {
    this.#hooks = hooks
    this.#bound = new ReaderBound(options, {
      ...hooks,
      gone: error => {
        this.close()
        hooks.gone(error)
      },
    })
  }

  /** Number of buffered events. */
  get size(): number {
    return this.#items.length - this.#taken
  }

  /** Whether the bound is reached. While it is, only `join` may add an event. */
  get isFull(): boolean {
    return this.#bound.isFull
  }

  /** Appends an event of about `weight` bytes. */
  offer(event: SSEEvent, weight: number): void {
    if (this.#isClosed) return
    this.#items.push({ event, weight })
    this.#bytes += weight
    this.#bound.update(this.size, this.#bytes)
    this.#hooks.readable()
  }

  /**
   * At the bound, merges the event into the last buffered one if no information is lost: tokens of one attempt are
   * concatenated, superseded progress is replaced. Bytes stay within `maxBytes`. @returns whether the event was merged
   */
  join(event: SSEEvent, weight: number, maxBytes: number): boolean {
    const last = this.size > 0 ? this.#items.at(-1) : undefined
    if (last === undefined || this.#bytes + weight > maxBytes) return false
    const merged = mergeEvents(last.event, event)
    if (merged === undefined) return false
    last.event = merged
    last.weight += weight
    this.#bytes += weight
    return true
  }

  /** Removes and returns the oldest event; `undefined` if the buffer is empty. */
  take(): SSEEvent | undefined {
    const item = this.#items[this.#taken]
    if (item === undefined) return undefined
    this.#taken += 1
    this.#bytes -= item.weight
    if (this.#taken === this.#items.length || this.#taken >= 1024) {
      this.#items = this.#items.slice(this.#taken)
      this.#taken = 0
    }
    this.#bound.took()
    this.#bound.update(this.size, this.#bytes)
    return item.event
  }

  /** Discards all events and accepts no more. Idempotent. */
  close(): void {
    this.#isClosed = true
    this.#items = []
    this.#taken = 0
    this.#bytes = 0
    this.#bound.close()
  }
}

function mergeEvents(earlier: SSEEvent, later: SSEEvent): SSEEvent | undefined {
  if (earlier.type === 'token' && later.type === 'token' && isSameAttempt(earlier.data, later.data)) {
    return { ...later, data: { ...later.data, text: earlier.data.text + later.data.text } }
  }
  const isProgress = earlier.type === 'task_progress' && later.type === 'task_progress'
  return isProgress && isSameAttempt(earlier.data, later.data) ? later : undefined
}

function isSameAttempt(a: { taskId: string; attempt: number }, b: { taskId: string; attempt: number }): boolean {
  return a.taskId === b.taskId && a.attempt === b.attempt
}
