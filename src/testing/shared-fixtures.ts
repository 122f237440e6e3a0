import type { AttemptCommand, AttemptKey } from '../attempt/runner.ts'
import type { AttemptMessage, AttemptNews, InboxMessage } from '../cluster/inbox.ts'
import type { AnnouncedTool, Member } from '../cluster/members.ts'
import type { Order, TakenOrder } from '../cluster/order.ts'
import type { Round, SharedStore } from '../cluster/shared-store.ts'
import { LogEntry } from '../events/log-entry.ts'
import type { Lease } from '../log/event-log.ts'
import { expectSame } from './expectations.ts'
import { makeName, makeRecord, TIMESTAMP } from './store-fixtures.ts'

/** A shared store and the passage of its time. */
export interface SharedRig {
  readonly store: SharedStore
  /** Lets the store's time pass. */
  readonly wait: (ms: number) => Promise<void>
}

/** A sentence of behaviour with its check, which throws if a shared store violates it. */
export type SharedCheck = readonly [name: string, check: (rig: SharedRig) => Promise<void>]

/** A lease that no case outlives, ms. */
export const LONG_MS: number = 600_000

/** A lease that cases let expire, ms. Long enough for a database that is slow. */
export const SHORT_MS: number = 1000

/** The name of the dispatcher of a store without one. */
export const DISPATCHER: string = 'store'

const NO_ROUND: Round = { orders: [], consumed: [], replies: [] }

/** An execution with its coordinator. */
export class Coordinated {
  readonly executionId: string
  readonly holder: string
  readonly owner: string | undefined
  lease: Lease
  lastSeq = 0
  readonly #store: SharedStore

  constructor(store: SharedStore, holder: string, lease: Lease, owner: string | undefined) {
    this.#store = store
    this.holder = holder
    this.executionId = lease.executionId
    this.lease = lease
    this.owner = owner
  }

  /** Commits a round with these entries. */
  async commit(entries: readonly LogEntry[], round: Partial<Round>, lease: Lease = this.lease): Promise<void> {
    await this.#store.commit(lease, this.lastSeq + 1, entries, { ...NO_ROUND, ...round })
    this.lastSeq += entries.length
  }

  /** Orders an attempt of each of these tasks, in one round. */
  async order(tool: string, taskIds: readonly string[], more: Partial<Order> = {}): Promise<readonly Order[]> {
    const orders = taskIds.map(taskId => ({
      command: this.command(tool, taskId),
      owner: this.owner,
      priority: 0,
      ...more,
    }))
    await this.commit(
      orders.map(({ command }, i) => makeStart(this.lastSeq + 1 + i, command)),
      { orders },
    )
    return orders
  }

  command(tool: string, taskId: string): AttemptCommand {
    const key = { executionId: this.executionId, taskId, attempt: 1 }
    const idempotencyKey = `${this.executionId}/${taskId}`
    return { ...key, tool, arguments: {}, mayHoldJsonNumbers: false, timeoutMs: 0, idempotencyKey }
  }

  key(taskId: string): AttemptKey {
    return { executionId: this.executionId, taskId, attempt: 1 }
  }

  /** The messages in the inbox. */
  async read(limit = 1000): Promise<readonly InboxMessage[]> {
    return (await this.#store.inbox.read([this.executionId], limit)).get(this.executionId) ?? []
  }

  /** The messages in the inbox without their ids. */
  async messages(limit = 1000): Promise<readonly InboxMessage['message'][]> {
    return (await this.read(limit)).map(({ message }) => message)
  }
}

function makeStart(seq: number, { executionId, taskId, tool, attempt }: AttemptCommand): LogEntry {
  const data = { executionId, timestamp: TIMESTAMP, taskId, tool, attempt, maxAttempts: 1, layer: 1 }
  return new LogEntry(seq, 'task_start', { ...data, arguments: {} } as never)
}

/** Creates an execution and claims it. */
export async function coordinate(
  { store }: SharedRig,
  { owner, holder = makeName('server'), ttlMs = LONG_MS }: { owner?: string; holder?: string; ttlMs?: number } = {},
): Promise<Coordinated> {
  const registration = await store.leases.create(holder, makeRecord(owner === undefined ? {} : { owner }), ttlMs)
  if (registration.lease === undefined)
    throw new Error('leases.create(): expected a new execution, found an existing one')
  return new Coordinated(store, holder, registration.lease, owner)
}

/** Claims free executions until there are none, at most `limit` at once. @returns those among these, in their order */
export async function claimAll(
  { store }: SharedRig,
  holder: string,
  executionIds: readonly string[],
  { limit = 3, ttlMs = LONG_MS }: { readonly limit?: number; readonly ttlMs?: number } = {},
): Promise<string[]> {
  const found = new Set<string>()
  for (;;) {
    const leases = await store.leases.claimFree(holder, limit, ttlMs)
    if (leases.length > limit) throw new Error(`claimFree(): expected at most ${limit} leases, found ${leases.length}`)
    if (leases.length === 0) return [...found].filter(executionId => executionIds.includes(executionId))
    for (const { executionId } of leases) {
      if (found.has(executionId))
        throw new Error(`claimFree(): expected execution \`${executionId}\` once, found it twice`)
      found.add(executionId)
    }
  }
}

/** Announces a worker with these tools. @returns its id */
export async function join({ store }: SharedRig, tools: readonly (string | AnnouncedTool)[]): Promise<string> {
  const memberId = makeName('worker')
  await store.members.announce(makeMember(memberId, tools), DISPATCHER, LONG_MS)
  return memberId
}

/** Orders of one execution that one worker holds. */
export async function hold(
  rig: SharedRig,
  taskIds: readonly string[] = ['a'],
): Promise<{ execution: Coordinated; tool: string; worker: string }> {
  const tool = makeName('tool')
  const execution = await coordinate(rig)
  await execution.order(tool, taskIds)
  const worker = await join(rig, [tool])
  expectSame('the number of taken orders', (await rig.store.orders.take(worker, 100, LONG_MS)).length, taskIds.length)
  return { execution, tool, worker }
}

export function makeMember(memberId: string, tools: readonly (string | AnnouncedTool)[]): Member {
  const announced = tools.map(tool => (typeof tool === 'string' ? { name: tool } : tool))
  const rest = { startedAt: TIMESTAMP, running: 0, capacity: 10, version: '0.0.0' }
  return { memberId, role: 'worker', tools: announced, ...rest }
}

/** The tasks of taken orders, with `answer ` before an answer. */
export function namesOf(taken: readonly TakenOrder[]): string[] {
  return taken.map(each => (each.kind === 'start' ? each.command.taskId : `answer ${each.key.taskId}`))
}

export const CANCELLED: AttemptNews = { type: 'settled', report: { status: 'cancelled', executionTimeMs: 0 } }

/** The news of an attempt that succeeded. */
export function succeed(outputJson = 'null'): AttemptNews {
  return { type: 'settled', report: { status: 'success', outputJson, executionTimeMs: 1 } }
}

/** Messages of one attempt, numbered from `first`. */
export function makeMessages(key: AttemptKey, news: readonly AttemptNews[], first = 1): AttemptMessage[] {
  return news.map((each, i) => ({ key, number: first + i, news: each }))
}
