import type { AnnouncedTool, KnownMember, Member, Members } from '../../../cluster/members.ts'
import type { Hint } from '../../../cluster/shared-store.ts'
import { DagstreamError } from '../../../errors.ts'
import type { Database, Query, Row } from '../connection/database.ts'
import {
  COUNT_SUBSCRIBERS,
  DROP_MEMBERS,
  DROP_SUBSCRIBERS,
  DROP_TOOLS,
  FIND_OTHER_DISPATCHER,
  HAS_EXPIRED,
  LIMIT_OWNERS,
  LIST_MEMBERS,
  LOCK_MEMBERS,
  MEMBERS_LOCK,
  PAUSE_TOOL,
  PUT_MEMBER,
  PUT_TOOLS,
  RENEW_MEMBER,
  SET_SUBSCRIBERS,
  SUM_LIMITS,
  SUM_TOOLS,
} from '../sql/members.ts'
import { MIGRATIONS } from '../sql/migrations.ts'
import { READ_OWN_VERSION } from '../sql/version.ts'
import { checkVersion } from '../schema-version.ts'
import { failStore } from '../connection/store-error.ts'
import { toStored } from '../stored-text.ts'

/** The living processes on the store. */
export class MemberTable implements Members {
  readonly #database: Database
  readonly #publish: (hint: Hint) => void
  /** Time for which this process has announced itself last, ms: others announce themselves again within it. */
  #ttlMs = 0

  constructor(database: Database, publish: (hint: Hint) => void) {
    this.#database = database
    this.#publish = publish
  }

  async announce(member: Member, dispatcher: string, ttlMs: number): Promise<void> {
    this.#ttlMs = ttlMs
    const { memberId, startedAt, tools, ...rest } = member
    // A migration reads the version of the database that this process was made for.
    const body = JSON.stringify({ ...rest, schema: MIGRATIONS.length })
    const values = [memberId, dispatcher, JSON.stringify(tools), body, ttlMs]
    // Nearly always: nothing but the time has changed.
    if ((await this.#database.query(RENEW_MEMBER, values)).length > 0) return
    await this.#database.transaction(async query => {
      await query(LOCK_MEMBERS, [MEMBERS_LOCK])
      const [other] = await query(FIND_OTHER_DISPATCHER, [memberId, dispatcher])
      if (other !== undefined) throw conflict(member, dispatcher, other)
      const [row] = await query(READ_OWN_VERSION)
      checkVersion(this.#database.where, row?.['version'] as number, MIGRATIONS.length)
      const changed = [...(await query(DROP_MEMBERS, [''])), ...(await query(DROP_TOOLS, [memberId]))]
      await query(PUT_MEMBER, [...values, startedAt])
      await query(PUT_TOOLS, [memberId, ...toToolValues(tools)])
      const own = tools.map(tool => ({ tool: toStored(tool.name), limit_key: toStored(tool.limitKey ?? tool.name) }))
      await sum(query, [...changed, ...own])
    })
    this.#publish({ kind: 'orders' })
  }

  async leave(memberId: string): Promise<void> {
    await this.#drop(memberId)
  }

  /** Removes members whose time is over: their limits count no more. */
  async dropExpired(): Promise<void> {
    if ((await this.#database.query(HAS_EXPIRED)).length > 0) await this.#drop('')
  }

  async list(): Promise<readonly KnownMember[]> {
    return (await this.#database.query(LIST_MEMBERS)).flatMap(readMember)
  }

  async limitOwners(maxRunningPerOwner: number): Promise<void> {
    await this.#database.query(LIMIT_OWNERS, [maxRunningPerOwner])
  }

  async setSubscribers(memberId: string, executionId: string, count: number): Promise<void> {
    if (count === 0) await this.#database.query(DROP_SUBSCRIBERS, [memberId, executionId])
    else await this.#database.query(SET_SUBSCRIBERS, [memberId, executionId, count])
  }

  async countSubscribers(executionId: string): Promise<number> {
    const [row] = await this.#database.query(COUNT_SUBSCRIBERS, [executionId])
    const { connectedMs, where } = this.#database
    // The time of the others was over during the outage, and their subscribers may be removed.
    if (connectedMs < this.#ttlMs) throw failStore(where, 'was away: other members have to announce themselves again')
    return row?.['count'] as number
  }

  async pauseTool(tool: string, delayMs: number): Promise<void> {
    await this.#database.query(PAUSE_TOOL, [toStored(tool), delayMs])
  }

  async #drop(memberId: string): Promise<void> {
    await this.#database.transaction(async query => {
      await query(LOCK_MEMBERS, [MEMBERS_LOCK])
      await sum(query, await query(DROP_MEMBERS, [memberId]))
    })
    // A limit may be wider now.
    this.#publish({ kind: 'orders' })
  }
}

/** Nothing for a row that another program has damaged: one member must not hide all others. */
function readMember({ id, started_at, body, tools, seen_at }: Row): readonly KnownMember[] {
  try {
    const { role, running, capacity, version } = JSON.parse(body as string) as Member
    const announced = (JSON.parse(tools as string) as Member['tools']).filter(tool => typeof tool?.name === 'string')
    const [memberId, startedAt, seenAt] = [id as string, started_at as string, (seen_at as Date).toISOString()]
    return [{ memberId, role, startedAt, tools: announced, running, capacity, version, seenAt }]
  } catch {
    return []
  }
}

/** Computes the limits and rates of tools anew. */
async function sum(query: Query, changed: readonly Row[]): Promise<void> {
  if (changed.length === 0) return
  await query(SUM_LIMITS, [[...new Set(changed.map(row => row['limit_key']))]])
  await query(SUM_TOOLS, [[...new Set(changed.map(({ tool }) => tool))]])
}

function toToolValues(tools: readonly AnnouncedTool[]): readonly unknown[] {
  return [
    tools.map(({ name }) => toStored(name)),
    tools.map(({ name, limitKey = name }) => toStored(limitKey)),
    tools.map(({ limit }) => limit ?? null),
    tools.map(({ rate }) => rate?.max ?? null),
    tools.map(({ rate }) => rate?.perMs ?? null),
  ]
}

function conflict({ memberId }: Member, dispatcher: string, other: Row): DagstreamError {
  const text = `\`${String(other['id'])}\` uses the dispatcher \`${String(other['dispatcher'])}\`, \`${memberId}\` the dispatcher \`${dispatcher}\``
  return new DagstreamError('DISPATCHER_CONFLICT', `${text}: use the same for all processes on one store`)
}
