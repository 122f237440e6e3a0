import type { SSEEvent } from '../events/events.ts'
import { type BoundHooks, type BufferOptions, ReaderBound } from './reader-bound.ts'

/** What a buffer tells its two ends. Called synchronously; must not throw. */
export interface BufferHooks extends BoundHooks {
  /** There is something to take. */
  readable(): void
}

/** A FIFO of events between one writer and one reader, with the reader's bound. */
export class BoundedBuffer {
  readonly #hooks: BufferHooks
  readonly #bound: ReaderBound
  #items: { event: SSEEvent; weight: number }[] = []
  /** How many at the front of the array are taken already. */
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

  /** Events held. */
  get size(): number {
    return this.#items.length - this.#taken
  }

  /** Whether the bound is reached: offer nothing now but to `join`. */
  get isFull(): boolean {
    return this.#bound.isFull
  }

  /** Adds an event of about `weight` bytes. */
  offer(event: SSEEvent, weight: number): void {
    if (this.#isClosed) return
    this.#items.push({ event, weight })
    this.#bytes += weight
    this.#bound.update(this.size, this.#bytes)
    this.#hooks.readable()
  }

  /**
   * At the bound: merges the event into the last one held where nothing is lost by that — the text of one attempt's tokens
   * is joined, progress that is superseded is replaced. Bytes stay bounded. @returns whether it did
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

  /** The oldest event, or `undefined` when there is none. */
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

  /** Lets go of everything; harmless to repeat. */
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
