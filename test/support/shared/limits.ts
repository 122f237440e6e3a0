import type { AnnouncedTool, Rate } from '../../../src/cluster/members.ts'
import type { OrderRow, SharedTables } from './tables.ts'

/** The limits of all living members for one decision about orders. */
export class SystemLimits {
  readonly #tables: SharedTables
  readonly #limits = new Map<string, number>()
  readonly #rates = new Map<string, Rate>()
  readonly #limitKeys = new Map<string, string>()

  constructor(tables: SharedTables) {
    this.#tables = tables
    for (const { member } of tables.livingMembers()) for (const tool of member.tools) this.#add(tool)
  }

  /** Whether a waiting order may begin, or a detached one go on. */
  allows(row: OrderRow): boolean {
    const { tool } = row.order.command
    const counted = [...this.#tables.orders.values()].filter(each => each.worker !== undefined && !each.isDetached)
    const limitKey = this.#keyOf(tool)
    const limit = this.#limits.get(limitKey) ?? Number.POSITIVE_INFINITY
    const ofTool = counted.filter(({ order }) => this.#keyOf(order.command.tool) === limitKey).length
    if (ofTool >= limit) return false
    const { maxRunningPerOwner } = this.#tables
    const ofOwner = counted.filter(({ order }) => order.owner === row.order.owner).length
    if (maxRunningPerOwner > 0 && ofOwner >= maxRunningPerOwner) return false
    // An answered attempt goes on with the call that it has begun.
    return row.worker !== undefined || this.#hasToken(tool)
  }

  /** A call of a tool begins. */
  begin(tool: string): void {
    const bucket = this.#bucketOf(tool)
    if (bucket !== undefined) bucket.tokens -= 1
  }

  #add({ name, limit, limitKey = name, rate }: AnnouncedTool): void {
    this.#limitKeys.set(name, limitKey)
    if (limit !== undefined) this.#limits.set(limitKey, Math.min(limit, this.#limits.get(limitKey) ?? limit))
    const other = this.#rates.get(name)
    if (rate !== undefined && (other === undefined || rate.max / rate.perMs < other.max / other.perMs)) {
      this.#rates.set(name, rate)
    }
  }

  #keyOf(tool: string): string {
    return this.#limitKeys.get(tool) ?? tool
  }

  #hasToken(tool: string): boolean {
    if ((this.#tables.pausedUntil.get(tool) ?? 0) > this.#tables.clock.now()) return false
    const bucket = this.#bucketOf(tool)
    return bucket === undefined || bucket.tokens >= 1
  }

  /** A token bucket, filled up to now. */
  #bucketOf(tool: string): { tokens: number } | undefined {
    const rate = this.#rates.get(tool)
    if (rate === undefined) return undefined
    const now = this.#tables.clock.now()
    const bucket = this.#tables.buckets.get(tool) ?? { tokens: rate.max, refilledAt: now }
    bucket.tokens = Math.min(rate.max, bucket.tokens + ((now - bucket.refilledAt) * rate.max) / rate.perMs)
    bucket.refilledAt = now
    this.#tables.buckets.set(tool, bucket)
    return bucket
  }
}
