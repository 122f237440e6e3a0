import { DagstreamError } from '../../../errors.ts'

/** Meaning of an SQLSTATE, or of its first two characters, for the user, and the likely fix. */
const MEANINGS: Readonly<Record<string, string>> = {
  '28P01': 'refuses the user or the password: check the URL',
  '28000': 'refuses the user: check the URL, and `pg_hba.conf` on the server',
  '3D000': 'has no database of this name: create it with `createdb`, or check the URL',
  '42501': 'lacks a privilege of this user: grant it as docs/machines.md describes',
  '25006': 'is read-only, such as a standby: give the URL of the primary server',
  '53100': 'has no space left on its disk: free some space, and writing continues',
  '53300': 'has no connection left: raise `max_connections`, or lower `maxConnections`',
  '22P05': 'cannot encode a character: its encoding must be UTF8',
  '26000': 'lost a prepared statement: a pooler in front of it needs `max_prepared_statements` above 0',
  '42P05': 'has a prepared statement already: a pooler in front of it needs `max_prepared_statements` above 0',
}

/** SQLSTATEs of a store that was never migrated: a missing schema or table. */
const NOT_MIGRATED: ReadonlySet<string> = new Set(['3F000', '42P01', '42703', '42883'])

/** SQLSTATEs after which the same statement may succeed: the server starts, stops or is full, or this process stood still. */
const PASSING = /^(?:08...|57P0.|53300|53400|25P03)$/

/**
 * SQLSTATEs of a statement that fails again. Excluded: those of a database that is away, busy, full, standby or behind a pooler, which
 * fails each statement.
 */
const OF_STATEMENT = /^(?!08|25|28|3D|40|53|57|26000|42P05|55P03)(?:[0-9].|P0|XX)[0-9A-Z]{3}$/

/** Errors of sockets after which another connection may succeed. */
const SOCKET: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
])

/** Messages of the driver about a connection that is gone; these errors have no code. */
const GONE =
  /^(?:Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed)/

/** The outcome of a transaction is not known yet. */
export class TransactionGoesOn extends Error {
  /** `transaction_resolution_unknown`. */
  readonly code = '08007'

  constructor() {
    super('A transaction whose connection was lost goes on')
  }
}

/** Whether a transaction met another one, so that it may succeed at once when it is repeated. */
export function isConflict(error: unknown): boolean {
  const code = readCode(error)
  return code === '40001' || code === '40P01'
}

/** Whether a statement has waited for a lock for as long as `lock_timeout` allows. */
export function isLocked(error: unknown): boolean {
  return readCode(error) === '55P03'
}

/** Whether a role lacks a privilege, also of an error that `toStoreError` has converted. */
export function isForbidden(error: unknown): boolean {
  return readCode(error instanceof DagstreamError ? error.cause : error) === '42501'
}

/** Whether an error says that the database is away for now, rather than that it refuses. */
export function isOutage(error: unknown): boolean {
  const code = readCode(error)
  if (code !== undefined) return PASSING.test(code) || SOCKET.has(code)
  if (error instanceof AggregateError) return error.errors.some(isOutage)
  return error instanceof Error && GONE.test(error.message)
}

/** Whether an error is about the statement and its values: the database answers, and would refuse them again. */
function isRefusal(error: unknown): boolean {
  const code = readCode(error)
  if (code !== undefined && OF_STATEMENT.test(code)) return true
  // The driver cannot write them, such as a text beyond the length of a string.
  return error instanceof RangeError || error instanceof TypeError || code === 'ERR_STRING_TOO_LONG'
}

/**
 * Converts an error of the driver to one of dagstream, with the error as `cause`.
 * @param where the URL without its password
 */
export function toStoreError(where: string, error: unknown): DagstreamError {
  if (error instanceof DagstreamError) return error
  const code = readCode(error) ?? ''
  if (NOT_MIGRATED.has(code)) return notMigrated(where, error)
  const meaning = MEANINGS[code]
  const details = isRefusal(error) ? { isRefusal: true } : {}
  if (meaning !== undefined) return failStore(where, meaning, error, details)
  if (isOutage(error)) return failStore(where, `does not answer (${describe(error)}): check that it runs`, error)
  return failStore(where, `failed: ${describe(error)}`, error, details)
}

/** Creates a `STORE_FAILED` whose message begins with the address. */
export function failStore(
  where: string,
  meaning: string,
  cause?: unknown,
  details: Readonly<Record<string, unknown>> = {},
): DagstreamError {
  return new DagstreamError('STORE_FAILED', `The store \`${where}\` ${meaning}`, { cause, details })
}

/** The error of a database without the tables of this version. */
export function notMigrated(where: string, cause?: unknown): DagstreamError {
  const message = `The store \`${where}\` was not migrated to this version: run \`dagstream store migrate\` with its URL`
  return new DagstreamError('STORE_NOT_MIGRATED', message, { cause })
}

function readCode(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return typeof code === 'string' ? code : undefined
}

function describe(error: unknown): string {
  if (error instanceof AggregateError) return [...new Set(error.errors.map(describe))].join(', ')
  return error instanceof Error ? error.message : String(error)
}
