import type { FetchLike } from '@modelcontextprotocol/client'
import type { Clock } from '../../../clock.ts'
import type { Redact } from '../../redact.ts'
import type { Elicitation, ElicitationAnswer } from '../calls/elicitations.ts'
import type { Reach } from '../config/server-config.ts'
import type { McpClient } from '../protocol/mcp-client.ts'
import type { ServerLog } from './server-log.ts'

/** A connected client. */
export interface Connection {
  readonly client: McpClient
  /** Why the connection is unusable, as a predicate of "the server"; `undefined` while it is usable. */
  readonly lossReason: string | undefined
  /** Number of running calls, counted by the link. */
  callCount: number
  /** Ends the connection. Never rejects. */
  close(reason: string): Promise<void>
}

/** The options and callbacks of a connection. */
export interface ConnectionOptions {
  readonly reach: Exclude<Reach, { kind: 'client' }>
  readonly clock: Clock
  readonly log: ServerLog
  readonly redact: Redact
  readonly fetch: FetchLike
  readonly startTimeoutMs: number
  /** Answers a question of the server to a person; never rejects. */
  readonly onElicitation: (asked: Elicitation) => Promise<ElicitationAnswer>
  /** An open connection was lost; called at most once per connection. */
  onLost(connection: Connection): void
}
