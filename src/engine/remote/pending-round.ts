import type { Reply } from '../../cluster/inbox.ts'
import type { Order } from '../../cluster/order.ts'
import type { SharedStore } from '../../cluster/shared-store.ts'
import type { LogEntry } from '../../events/log-entry.ts'
import type { Lease } from '../../log/event-log.ts'

/** Writes entries together with a round. */
export interface RoundCommit {
  readonly write: (lease: Lease, firstSeq: number, entries: readonly LogEntry[]) => Promise<void>
  /** Its entries have been applied, or are lost. */
  readonly settle: () => void
}

/** Collects what the next commit writes beside its log entries. Wake the recorder after each call. */
export class PendingRound {
  readonly #store: Pick<SharedStore, 'commit'>
  #orders: Order[] = []
  #consumed: string[] = []
  #replies: Reply[] = []
  #settled: Promise<void> | undefined
  #settle: () => void = () => {}
  #isClosed = false

  constructor(store: Pick<SharedStore, 'commit'>) {
    this.#store = store
  }

  get isEmpty(): boolean {
    return this.#orders.length + this.#consumed.length + this.#replies.length === 0
  }

  /** Its `task_start` is recorded in the same turn. */
  dispatch(order: Order): void {
    this.#orders.push(order)
  }

  /** What follows from the messages is recorded in the same turn. */
  consume(ids: readonly string[]): void {
    for (const id of ids) this.#consumed.push(id)
  }

  reply(reply: Reply): void {
    this.#replies.push(reply)
  }

  /** Resolves once the commit of what has gathered is applied, or will never be. */
  get settled(): Promise<void> {
    if (this.#isClosed) return Promise.resolve()
    this.#settled ??= new Promise(resolve => (this.#settle = resolve))
    return this.#settled
  }

  /** Takes what has gathered for one commit. */
  take(): RoundCommit {
    const round = { orders: this.#orders, consumed: this.#consumed, replies: this.#replies }
    const settle = this.#settle
    this.#orders = []
    this.#consumed = []
    this.#replies = []
    this.#settled = undefined
    this.#settle = () => {}
    return { write: (lease, firstSeq, entries) => this.#store.commit(lease, firstSeq, entries, round), settle }
  }

  /** Nothing is written any more. */
  close(): void {
    this.#isClosed = true
    this.#settle()
  }
}
