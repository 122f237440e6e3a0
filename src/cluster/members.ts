import type { Rate } from '../tools/rate.ts'
import type { JsonSchema } from '../tools/tool.ts'

export type { Rate } from '../tools/rate.ts'

/** A tool of a worker, as plain JSON: everything that servers need to check and show workflows that name it. */
export interface AnnouncedTool {
  readonly name: string
  readonly description?: string
  readonly version?: string
  readonly inputSchema?: JsonSchema
  readonly outputSchema?: JsonSchema
  readonly readOnly?: boolean
  readonly timeoutMs?: number
  readonly retry?: Readonly<Record<string, number>>
  readonly exactNumbers?: boolean
  /** Maximum number of concurrent calls in the whole system; the smallest of all members counts. */
  readonly limit?: number
  /** The name of the first of the tools that share the limit. @defaultValue its own name */
  readonly limitKey?: string
  /** The slowest of all members counts. */
  readonly rate?: Rate
}

/** A living process on a shared store. */
export interface Member {
  readonly memberId: string
  readonly role: 'server' | 'worker'
  /** ISO 8601. */
  readonly startedAt: string
  /** Tools that it runs; empty for a server that runs none. */
  readonly tools: readonly AnnouncedTool[]
  /** Attempts that it runs, and the maximum. */
  readonly running: number
  readonly capacity: number
  /** That of the package. */
  readonly version: string
}

/** A member as the store knows it. */
export interface KnownMember extends Member {
  /** ISO 8601, by the database's clock. */
  readonly seenAt: string
}

/** The living processes on a shared store, and what they follow. */
export interface Members {
  /**
   * Registers a member, or renews and updates it.
   * @param dispatcher name of the dispatcher that it uses
   * @throws `DISPATCHER_CONFLICT` while a living member uses another dispatcher; `STORE_FAILED` for a new or expired member if the
   * store is of a version that it does not work with
   */
  announce(member: Member, dispatcher: string, ttlMs: number): Promise<void>
  leave(memberId: string): Promise<void>
  /** The living ones, the oldest first. */
  list(): Promise<readonly KnownMember[]>
  /** Sets the maximum of running attempts per owner; 0: none. The value of the last server that sets it counts. */
  limitOwners(maxRunningPerOwner: number): Promise<void>
  /** How many subscribers a member has for an execution; 0 removes it. */
  setSubscribers(memberId: string, executionId: string, count: number): Promise<void>
  /** The subscribers of an execution at all living members. Rejects while it is not known, such as just after an outage. */
  countSubscribers(executionId: string): Promise<number>
  /** Pauses the calls of a tool in the whole system, as a provider's `Retry-After` asks. A shorter pause does not end a longer one. */
  pauseTool(tool: string, delayMs: number): Promise<void>
}
