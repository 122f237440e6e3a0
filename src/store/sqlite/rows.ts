import { isUtf8 } from 'node:buffer'

export type SqlValue = string | number | null
export type Row = Readonly<Record<string, SqlValue>>

/** What SQLite calls a damaged file. */
const CORRUPT = 11

/** What SQLite itself gives, which has bytes where a query asked for text by `selectText`. */
export type RawRow = Readonly<Record<string, SqlValue | ArrayBuffer | Uint8Array>>

/**
 * Columns of text as bytes, for the list of a `SELECT`; each keeps its name. In `ORDER BY` the names mean these bytes: qualify
 * them there.
 *
 * Text in a damaged file may be no UTF-8. `libsql` ends the process on that, and `node:sqlite` replaces what it cannot
 * read; bytes are passed by both.
 */
export function selectText(...columns: readonly string[]): string {
  return columns.map(column => `CAST(${column} AS BLOB) AS ${column}`).join(', ')
}

/** Rows with text in place of bytes. @throws an error with SQLite's code of a damaged file for bytes that are no UTF-8 */
export function decodeRows(rows: readonly RawRow[]): readonly Row[] {
  return rows.map(row => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, decode(name, value)])))
}

function decode(name: string, value: RawRow[string]): SqlValue {
  if (typeof value !== 'object' || value === null) return value
  const bytes = value instanceof Uint8Array ? value : new Uint8Array(value)
  if (!isUtf8(bytes)) {
    throw Object.assign(new Error(`The column \`${name}\` has text that is not UTF-8`), { rawCode: CORRUPT })
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
}
