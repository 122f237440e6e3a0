import type { AbortReason, AttemptKey } from '../../../src/attempt/runner.ts'
import type {
  NumberedAnswer,
  OpenOrder,
  OrderSource,
  RenewedOrders,
  TakenOrder,
  WaitingOrders,
} from '../../../src/cluster/order.ts'
import { SystemLimits } from './limits.ts'
import { copyJson, keyOf, nameOf, type OrderRow, type SharedTables } from './tables.ts'

/** The orders of the store in memory. */
export class MemoryOrders implements OrderSource {
  readonly #tables: SharedTables

  constructor(tables: SharedTables) {
    this.#tables = tables
  }

  async take(
    workerId: string,
    free: number,
    ttlMs: number,
    keys: readonly AttemptKey[] = [],
  ): Promise<readonly TakenOrder[]> {
    const preferred = new Set(keys.map(nameOf))
    const { orders, members, clock, turns } = this.#tables
    const tools = new Set(members.get(workerId)?.member.tools.map(({ name }) => name))
    const limits = new SystemLimits(this.#tables)
    const taken: TakenOrder[] = []
    for (const row of orders.values()) {
      if (taken.length >= free) return taken
      if (row.worker !== workerId || row.answers.length === 0 || row.questions.size > 0) continue
      if (!limits.allows(row)) continue
      taken.push({ kind: 'answer', key: keyOf(row.order.command), answers: row.answers })
      row.answers = []
      row.isDetached = false
    }
    while (taken.length < free) {
      const next = [...orders.values()]
        .filter(row => row.worker === undefined && tools.has(row.order.command.tool) && limits.allows(row))
        .sort((a, b) => this.#compare(a, b, preferred))[0]
      if (next === undefined) break
      const { command, owner } = next.order
      limits.begin(command.tool)
      turns.set(owner, this.#tables.next())
      next.worker = workerId
      next.expiresAt = clock.now() + ttlMs
      taken.push({ kind: 'start', command: copyJson(command) })
    }
    return taken
  }

  async findWaiting(keys: readonly AttemptKey[]): Promise<readonly AttemptKey[]> {
    const isWaiting = (key: AttemptKey): boolean => {
      const row = this.#tables.orders.get(nameOf(key))
      return row !== undefined && row.worker === undefined
    }
    return keys.filter(isWaiting).map(keyOf)
  }

  /** By priority, then the owner whose last turn is the longest ago, then those that are preferred, then by age. */
  #compare(a: OrderRow, b: OrderRow, preferred: ReadonlySet<string>): number {
    const turnOf = ({ order }: OrderRow): number => this.#tables.turns.get(order.owner) ?? 0
    const isLate = ({ order }: OrderRow): number => (preferred.has(nameOf(order.command)) ? 0 : 1)
    const byTurn = b.order.priority - a.order.priority || turnOf(a) - turnOf(b)
    return byTurn || (preferred.size > 0 ? isLate(a) - isLate(b) : 0) || a.age - b.age
  }

  async renew(workerId: string, keys: readonly AttemptKey[], ttlMs: number): Promise<RenewedOrders> {
    const lost: AttemptKey[] = []
    const cancelled: { key: AttemptKey; reason: AbortReason }[] = []
    for (const key of keys.map(keyOf)) {
      const row = this.#held(workerId, key)
      if (row === undefined) lost.push(key)
      else {
        row.expiresAt = this.#tables.clock.now() + ttlMs
        if (row.cancelled !== undefined) cancelled.push({ key, reason: row.cancelled })
      }
    }
    return { lost, cancelled }
  }

  async handBack(workerId: string, keys: readonly AttemptKey[]): Promise<void> {
    for (const key of keys) {
      const row = this.#held(workerId, key)
      if (row === undefined) continue
      row.worker = undefined
      if (row.cancelled !== undefined) this.#endCancelled(row)
      this.#tables.publish({ kind: 'orders' })
    }
  }

  async interrupt(workerId: string, keys: readonly AttemptKey[]): Promise<void> {
    for (const key of keys) {
      const row = this.#held(workerId, key)
      if (row !== undefined) this.#tables.interrupt(row, 'handoff')
    }
  }

  async cancel(key: AttemptKey, reason: AbortReason): Promise<void> {
    const row = this.#tables.orders.get(nameOf(key))
    if (row === undefined) return
    row.cancelled ??= reason
    if (row.worker === undefined) this.#endCancelled(row)
    else this.#tables.publish({ kind: 'worker', workerId: row.worker })
  }

  async answer(key: AttemptKey, answers: readonly NumberedAnswer[]): Promise<void> {
    const row = this.#tables.orders.get(nameOf(key))
    if (row === undefined) return
    for (const { number, answer } of answers) {
      if (row.questions.delete(number)) row.answers.push({ number, answer })
    }
    if (row.worker !== undefined) this.#tables.publish({ kind: 'worker', workerId: row.worker })
  }

  async list(executionId: string): Promise<readonly OpenOrder[]> {
    const found = new Map<string, OpenOrder>()
    for (const [name, { order, questions, usage }] of this.#tables.orders) {
      if (order.command.executionId !== executionId) continue
      found.set(name, { key: keyOf(order.command), questions: [...questions.values()], ...(usage && { usage }) })
    }
    for (const { message } of this.#tables.messages.values()) {
      if (!('key' in message) || message.key.executionId !== executionId) continue
      const { type } = message.news
      const name = nameOf(message.key)
      if ((type === 'settled' || type === 'interrupted') && !found.has(name)) {
        found.set(name, { key: message.key, questions: [] })
      }
    }
    return [...found.values()]
  }

  async interruptExpired(): Promise<number> {
    const now = this.#tables.clock.now()
    const expired = [...this.#tables.orders.values()].filter(row => row.worker !== undefined && row.expiresAt <= now)
    for (const row of expired) this.#tables.interrupt(row, 'lost')
    return expired.length
  }

  async refuseUnclaimed(toolsWaitMs: number): Promise<number> {
    const { orders, clock } = this.#tables
    const members = this.#tables.livingMembers().map(({ member }) => member)
    const tools = new Set(members.flatMap(member => member.tools.map(({ name }) => name)))
    let count = 0
    for (const row of orders.values()) {
      const { tool } = row.order.command
      if (row.worker !== undefined || tools.has(tool)) {
        row.unclaimedSince = undefined
        continue
      }
      row.unclaimedSince ??= clock.now()
      if (!row.isReported) {
        row.isReported = true
        this.#tables.addMessage({ key: keyOf(row.order.command), news: { type: 'unclaimed', tool } })
      }
      if (clock.now() - row.unclaimedSince < toolsWaitMs) continue
      const message = `No worker has had the tool \`${tool}\` for ${toolsWaitMs} ms`
      const failure = { status: 'error', code: 'TOOLS_UNAVAILABLE', message, isRetryable: false } as const
      this.#tables.end(row, { type: 'settled', report: { ...failure, executionTimeMs: 0 } })
      count += 1
    }
    return count
  }

  async countWaiting(): Promise<readonly WaitingOrders[]> {
    const found = new Map<string, { tool: string; count: number; oldestMs: number }>()
    for (const { order, worker, createdAt } of this.#tables.orders.values()) {
      if (worker !== undefined) continue
      const { tool } = order.command
      const known = found.get(tool) ?? { tool, count: 0, oldestMs: 0 }
      const oldestMs = Math.max(known.oldestMs, this.#tables.clock.now() - createdAt)
      found.set(tool, { tool, count: known.count + 1, oldestMs })
    }
    return [...found.values()].slice(0, 1000)
  }

  #endCancelled(row: OrderRow): void {
    this.#tables.end(row, { type: 'settled', report: { status: 'cancelled', executionTimeMs: 0 } })
  }

  #held(workerId: string, key: AttemptKey): OrderRow | undefined {
    const row = this.#tables.orders.get(nameOf(key))
    return row?.worker === workerId ? row : undefined
  }
}
