import type { KnownMember, Member, Members } from '../../../src/cluster/members.ts'
import { DagstreamError } from '../../../src/errors.ts'
import { copyJson, type SharedTables } from './tables.ts'

/** The members of the store in memory. */
export class MemoryMembers implements Members {
  readonly #tables: SharedTables

  constructor(tables: SharedTables) {
    this.#tables = tables
  }

  async announce(member: Member, dispatcher: string, ttlMs: number): Promise<void> {
    const { members, clock } = this.#tables
    const { memberId } = member
    const other = this.#tables
      .livingMembers()
      .find(each => each.member.memberId !== memberId && each.dispatcher !== dispatcher)
    if (other !== undefined) {
      const text = `\`${other.member.memberId}\` uses the dispatcher \`${other.dispatcher}\`, \`${memberId}\` the dispatcher \`${dispatcher}\``
      throw new DagstreamError('DISPATCHER_CONFLICT', `${text}: use the same for all processes on one store`)
    }
    const known = { ...copyJson(member), seenAt: new Date(clock.wallTime()).toISOString() }
    const earlier = members.get(memberId)
    // A map keeps the place of a key: members are listed in the order of their first announcement.
    members.set(memberId, { member: known, dispatcher, expiresAt: clock.now() + ttlMs })
    const had = new Set(earlier?.member.tools.map(({ name }) => name))
    if (member.tools.some(({ name }) => !had.has(name))) this.#tables.publish({ kind: 'orders' })
  }

  async leave(memberId: string): Promise<void> {
    this.#tables.members.delete(memberId)
    this.#tables.subscribers.delete(memberId)
  }

  async list(): Promise<readonly KnownMember[]> {
    const members = this.#tables.livingMembers().map(({ member }) => copyJson(member))
    return members.sort((a, b) => (a.startedAt < b.startedAt ? -1 : a.startedAt > b.startedAt ? 1 : 0))
  }

  async limitOwners(maxRunningPerOwner: number): Promise<void> {
    this.#tables.maxRunningPerOwner = maxRunningPerOwner
  }

  async setSubscribers(memberId: string, executionId: string, count: number): Promise<void> {
    const own = this.#tables.subscribers.get(memberId) ?? new Map<string, number>()
    if (count === 0) own.delete(executionId)
    else own.set(executionId, count)
    this.#tables.subscribers.set(memberId, own)
  }

  async countSubscribers(executionId: string): Promise<number> {
    let count = 0
    for (const { member } of this.#tables.livingMembers()) {
      count += this.#tables.subscribers.get(member.memberId)?.get(executionId) ?? 0
    }
    return count
  }

  async pauseTool(tool: string, delayMs: number): Promise<void> {
    const { pausedUntil, clock } = this.#tables
    pausedUntil.set(tool, Math.max(pausedUntil.get(tool) ?? 0, clock.now() + delayMs))
  }
}
