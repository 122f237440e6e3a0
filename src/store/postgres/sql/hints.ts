import type { Hint } from '../../../cluster/shared-store.ts'
import { type Statement, statement } from './statement.ts'

/** $1: channels, $2: their payloads. */
export const NOTIFY: Statement = statement(
  'notify',
  'SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) AS hint (channel, payload)',
)

export type Channel = 'dagstream_log' | 'dagstream_inbox' | 'dagstream_orders'

/**
 * The channels of hints, by who needs them: a notification wakes all processes that listen to its channel, and each of them costs as
 * much as a statement.
 */
export const CHANNELS: Readonly<Record<Hint['kind'], Channel>> = {
  log: 'dagstream_log',
  inbox: 'dagstream_inbox',
  reply: 'dagstream_inbox',
  orders: 'dagstream_orders',
  worker: 'dagstream_orders',
}

/** Channels cannot be parameters; these are constants. */
export const LISTEN: Readonly<Record<Channel, string>> = {
  dagstream_log: 'LISTEN dagstream_log',
  dagstream_inbox: 'LISTEN dagstream_inbox',
  dagstream_orders: 'LISTEN dagstream_orders',
}

export const UNLISTEN: Readonly<Record<Channel, string>> = {
  dagstream_log: 'UNLISTEN dagstream_log',
  dagstream_inbox: 'UNLISTEN dagstream_inbox',
  dagstream_orders: 'UNLISTEN dagstream_orders',
}

export const PING = 'SELECT 1' as const
