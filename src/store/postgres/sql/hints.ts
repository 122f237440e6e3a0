import { type Statement, statement } from './statement.ts'

export const NOTIFY: Statement = statement('notify', 'SELECT pg_notify($1, $2)')

/** Channels cannot be parameters; this one is a constant. */
export const LISTEN = 'LISTEN dagstream' as const

export const PING = 'SELECT 1' as const
