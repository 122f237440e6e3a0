import { type Statement, statement } from './statement.ts'

/** What became of transaction $1: `committed`, `aborted` or `in progress`; NULL long after its end. */
export const READ_TRANSACTION: Statement = statement('read_transaction', 'SELECT pg_xact_status($1::xid8) AS status')
