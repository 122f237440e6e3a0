import type { AbortReason, AttemptKey, Question } from '../../../src/attempt/runner.ts'
import type { Clock } from '../../../src/clock.ts'
import type { AttemptNews, InboxMessage, OrderMessage, Reply } from '../../../src/cluster/inbox.ts'
import type { KnownMember } from '../../../src/cluster/members.ts'
import type { NumberedAnswer, Order } from '../../../src/cluster/order.ts'
import type { TokenUsage } from '../../../src/events/token-usage.ts'
import type { Hint } from '../../../src/cluster/shared-store.ts'
import { parseJson } from '../../../src/json/parse-json.ts'
import { stringifyJson } from '../../../src/json/stringify-json.ts'
import type { ExecutionStore } from '../../../src/store/execution-store.ts'

/** An order and its state. */
export interface OrderRow {
  readonly order: Order
  /** Ascending: the older order has the smaller one. */
  readonly age: number
  readonly createdAt: number
  /** `undefined` while it waits for a worker. */
  worker: string | undefined
  expiresAt: number
  cancelled: AbortReason | undefined
  /** Number of the last accepted message. */
  lastNumber: number
  readonly questions: Map<number, Question>
  /** Of its last `usage` message. */
  usage: TokenUsage | undefined
  /** Answers that its worker has not taken yet. */
  answers: NumberedAnswer[]
  /** It waits for an answer, or for a permit to go on. */
  isDetached: boolean
  /** It got its `unclaimed` message. */
  isReported: boolean
  /** Since when no living worker has had its tool, ms. */
  unclaimedSince: number | undefined
}

export interface MemberRow {
  readonly member: KnownMember
  readonly dispatcher: string
  expiresAt: number
}

export interface HolderRow {
  holder: string | undefined
  epoch: number
  expiresAt: number
}

export interface Bucket {
  tokens: number
  refilledAt: number
}

/** The rows that all processes on one store share. Each method of the store changes them at once, as one transaction. */
export class SharedTables {
  readonly clock: Clock
  readonly executions: ExecutionStore
  readonly orders: Map<string, OrderRow> = new Map()
  readonly messages: Map<string, InboxMessage> = new Map()
  readonly replies: Map<string, Reply> = new Map()
  /** Every command that was ever sent. */
  readonly commands: Set<string> = new Set()
  readonly holders: Map<string, HolderRow> = new Map()
  readonly members: Map<string, MemberRow> = new Map()
  readonly buckets: Map<string, Bucket> = new Map()
  readonly pausedUntil: Map<string, number> = new Map()
  /** When an owner last had a turn. */
  readonly turns: Map<string | undefined, number> = new Map()
  readonly subscribers: Map<string, Map<string, number>> = new Map()
  maxRunningPerOwner = 0
  readonly publish: (hint: Hint) => void
  #counter = 0

  constructor(clock: Clock, executions: ExecutionStore, publish: (hint: Hint) => void) {
    this.clock = clock
    this.executions = executions
    this.publish = publish
  }

  /** An ascending number. */
  next(): number {
    return ++this.#counter
  }

  livingMembers(): MemberRow[] {
    const now = this.clock.now()
    return [...this.members.values()].filter(({ expiresAt }) => expiresAt > now)
  }

  addMessage(message: InboxMessage['message']): void {
    const id = `m${this.next()}`
    this.messages.set(id, { id, message })
    this.publish({ kind: 'inbox', executionId: executionOf(message) })
  }

  /** Ends an order with a last message. */
  end(row: OrderRow, news: Extract<AttemptNews, { type: 'settled' }> | OrderMessage['news']): void {
    const key = keyOf(row.order.command)
    this.orders.delete(nameOf(key))
    if (news.type === 'settled') this.addMessage({ key, number: row.lastNumber + 1, news })
    else this.addMessage({ key, news })
    // Its permit is free.
    this.publish({ kind: 'orders' })
  }

  /** Its worker does not run it any more. */
  interrupt(row: OrderRow, cause: 'lost' | 'handoff'): void {
    const { usage } = row
    this.end(row, { type: 'interrupted', cause, ...(usage && { usage }) })
  }

  /** Removes the orders and messages of an execution. */
  clear(executionId: string): void {
    for (const [name, { order }] of this.orders) {
      if (order.command.executionId === executionId) this.orders.delete(name)
    }
    for (const [id, { message }] of this.messages) if (executionOf(message) === executionId) this.messages.delete(id)
  }
}

/** The key as text. */
export function nameOf({ executionId, taskId, attempt }: AttemptKey): string {
  return JSON.stringify([executionId, taskId, attempt])
}

/** The key alone. */
export function keyOf({ executionId, taskId, attempt }: AttemptKey): AttemptKey {
  return { executionId, taskId, attempt }
}

export function executionOf(message: InboxMessage['message']): string {
  return 'key' in message ? message.key.executionId : message.executionId
}

/** A copy by way of JSON, whose numbers keep their digits. */
export function copyJson<Value>(value: Value): Value {
  return parseJson(stringifyJson(value)) as Value
}
