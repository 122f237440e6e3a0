import type { Hint } from '../../../cluster/shared-store.ts'
import { type Statement, statement } from './statement.ts'

/** $1: channels, $2: their payloads. */
export const NOTIFY: Statement = statement(
  'notify',
  'SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) AS hint (channel, payload)',
)

/**
 * The channels of hints, by who needs them: a notification wakes all processes that listen to its channel, and each of them costs as
 * much as a statement.
 */
export const CHANNELS = {
  log: 'dagstream_log',
  inbox: 'dagstream_inbox',
  reply: 'dagstream_inbox',
  orders: 'dagstream_orders',
  worker: 'dagstream_orders',
} as const satisfies Record<Hint['kind'], string>

export type Channel = (typeof CHANNELS)[Hint['kind']]

/** Channels cannot be parameters; these are constants. */
export const LISTEN = {
  dagstream_log: 'LISTEN dagstream_log',
  dagstream_inbox: 'LISTEN dagstream_inbox',
  dagstream_orders: 'LISTEN dagstream_orders',
} as const satisfies Record<Channel, string>

export const UNLISTEN = {
  dagstream_log: 'UNLISTEN dagstream_log',
  dagstream_inbox: 'UNLISTEN dagstream_inbox',
  dagstream_orders: 'UNLISTEN dagstream_orders',
} as const satisfies Record<Channel, string>

export const PING = 'SELECT 1' as const
