import { DagstreamError } from '../../errors.ts'
import { decodeRows, type RawRow, type Row, type SqlValue } from './rows.ts'

/** One connection to one file. All functions are synchronous and throw errors that `readResultCode` understands. */
export interface SqliteConnection {
  readonly exec: (sql: string) => void
  /** Prepares a statement that changes data. */
  readonly command: (sql: string) => (...values: readonly SqlValue[]) => void
  /** Prepares a statement that returns rows. Integers must fit a double. For text columns use `selectText`. */
  readonly query: (sql: string) => (...values: readonly SqlValue[]) => readonly Row[]
  readonly close: () => void
}

/** One SQLite library. */
export interface SqliteDriver {
  readonly name: 'node:sqlite' | 'libsql'
  /** @param path absolute path of an existing file */
  readonly open: (path: string) => SqliteConnection
}

/** Primary result codes of SQLite that a store distinguishes. */
export const SQLITE = {
  BUSY: 5,
  LOCKED: 6,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  TOOBIG: 18,
  CONSTRAINT: 19,
  MISMATCH: 20,
  RANGE: 25,
  NOTADB: 26,
} as const

/** The common interface of both libraries, as far as it is used. */
interface Statement {
  run(...values: readonly unknown[]): unknown
  all(...values: readonly unknown[]): RawRow[]
}

interface NodeStatement extends Statement {
  setReadBigInts(isOn: boolean): void
}

interface Library<S extends Statement> {
  new (path: string): { exec(sql: string): unknown; prepare(sql: string): S; close(): void }
}

/** Loads the SQLite of Node.js, or else the package `libsql`. @throws `STORE_FAILED` if neither is available */
export async function loadDriver(): Promise<SqliteDriver> {
  return findNodeDriver() ?? (await loadLibsqlDriver())
}

/** The SQLite of Node.js, available from 22.13 on. */
export function findNodeDriver(): SqliteDriver | undefined {
  const library = withoutNotice(() => process.getBuiltinModule?.('node:sqlite')) as
    | { readonly DatabaseSync: Library<NodeStatement> }
    | undefined
  if (library === undefined) return undefined
  return {
    name: 'node:sqlite',
    open(path) {
      const database = new library.DatabaseSync(path)
      return {
        exec: sql => void database.exec(sql),
        command(sql) {
          const statement = database.prepare(sql)
          // `run` returns the last row id, and throws if it does not fit a number, although the row was inserted.
          statement.setReadBigInts(true)
          return (...values) => void statement.run(...values)
        },
        query(sql) {
          const statement = database.prepare(sql)
          return (...values) => decodeRows(statement.all(...values))
        },
        close: () => database.close(),
      }
    },
  }
}

/** @throws `STORE_FAILED` if the package, or its binary for this machine, is missing */
export async function loadLibsqlDriver(): Promise<SqliteDriver> {
  let Database: Library<Statement>
  try {
    Database = (await import('libsql')).default as unknown as Library<Statement>
  } catch (cause) {
    const message = 'There is no SQLite: use Node.js 22.13 or newer, or install the package `libsql`'
    throw new DagstreamError('STORE_FAILED', message, { cause })
  }
  return {
    name: 'libsql',
    open(path) {
      const database = connect(Database, path)
      // Values are passed as one array: it avoids a copy, and is the only form that accepts a single `null`.
      return {
        exec: sql => void database.exec(sql),
        command(sql) {
          const statement = database.prepare(sql)
          return (...values) => void statement.run(values)
        },
        query(sql) {
          const statement = database.prepare(sql)
          return (...values) => decodeRows(statement.all(values))
        },
        close: () => database.close(),
      }
    },
  }
}

/** Opens a `libsql` database. Its open errors hold the result code only at the end of their message. */
function connect<L extends Library<Statement>>(Database: L, path: string): InstanceType<L> {
  try {
    return new Database(path) as InstanceType<L>
  } catch (error) {
    const rawCode = /^ConnectionFailed\(.*: (\d+)"\)$/s.exec(String((error as Error).message))?.[1]
    throw rawCode === undefined ? error : Object.assign(error as Error, { rawCode: Number(rawCode) })
  }
}

/** The primary result code of SQLite that an error carries; `undefined` for any other error. */
export function readResultCode(error: unknown): number | undefined {
  const { errcode, rawCode } = (error ?? {}) as { readonly errcode?: unknown; readonly rawCode?: unknown }
  const code = errcode ?? rawCode
  return typeof code === 'number' ? code & 0xff : undefined
}

/** Ends a transaction that failed. */
export function rollBack(connection: SqliteConnection): void {
  try {
    connection.exec('ROLLBACK')
  } catch {
    // After some failures SQLite has rolled back already. The caller reports the original error.
  }
}

/** Suppresses the warning that the SQLite of Node.js is experimental: users of a program cannot act on it. */
function withoutNotice<T>(load: () => T): T {
  // oxlint-disable-next-line typescript/unbound-method -- called on the process, and restored
  const { emitWarning } = process
  // Replaced only during one synchronous call, so that no other warning is lost.
  process.emitWarning = (warning: string | Error, ...rest: never[]) => {
    if (!String(warning).startsWith('SQLite is an experimental feature')) emitWarning.call(process, warning, ...rest)
  }
  try {
    return load()
  } finally {
    process.emitWarning = emitWarning
  }
}
