import { DagstreamError } from '../../errors.ts'
import { decodeRows, type RawRow, type Row, type SqlValue } from './rows.ts'

/** One connection to one file. Everything answers at once, and throws what `readResultCode` reads. */
export interface SqliteConnection {
  readonly exec: (sql: string) => void
  /** A statement that changes something, prepared once. */
  readonly command: (sql: string) => (...values: readonly SqlValue[]) => void
  /** A statement that answers with rows, prepared once. Integers must fit a double. Text of the file: see `selectText`. */
  readonly query: (sql: string) => (...values: readonly SqlValue[]) => readonly Row[]
  readonly close: () => void
}

/** SQLite as one library gives it. */
export interface SqliteDriver {
  readonly name: 'node:sqlite' | 'libsql'
  /** @param path absolute, of a file that exists */
  readonly open: (path: string) => SqliteConnection
}

/** Primary result codes of SQLite that mean something to a store. */
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

/** What both libraries have in common, as far as it is used. */
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

/** The SQLite of Node.js where it has one, else the package `libsql`. @throws `STORE_FAILED` where there is neither */
export async function loadDriver(): Promise<SqliteDriver> {
  return findNodeDriver() ?? (await loadLibsqlDriver())
}

/** The SQLite of Node.js, from 22.13 on. */
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
          // It tells the last row id, and throws where that does not fit a number, although the row is in.
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

/** @throws `STORE_FAILED` if the package, or its binary for this machine, is not there */
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
      // Values go in one array: that is its way without a copy, and the only one for a single `null`.
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

/** What fails to open has its result code at the end of a text alone. */
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
    // After some failures SQLite has rolled back already; what failed is told by the error before this one.
  }
}

/** Node.js says once that its SQLite is experimental: nothing that the users of a program can act on. */
function withoutNotice<T>(load: () => T): T {
  // oxlint-disable-next-line typescript/unbound-method -- called on the process, and put back as it was
  const { emitWarning } = process
  // For the one call, which is synchronous, so nobody else's warning is missed.
  process.emitWarning = (warning: string | Error, ...rest: never[]) => {
    if (!String(warning).startsWith('SQLite is an experimental feature')) emitWarning.call(process, warning, ...rest)
  }
  try {
    return load()
  } finally {
    process.emitWarning = emitWarning
  }
}
