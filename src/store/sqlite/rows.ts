import { isUtf8 } from 'node:buffer'

export type SqlValue = string | number | null
export type Row = Readonly<Record<string, SqlValue>>

/** SQLite's result code of a damaged file. */
const CORRUPT = 11

/** A row as SQLite returns it, with bytes for the columns of `selectText`. */
export type RawRow = Readonly<Record<string, SqlValue | ArrayBuffer | Uint8Array>>

/**
 * Selects text columns as bytes; each keeps its name. In `ORDER BY` the bare names refer to these bytes, so qualify them
 * there.
 *
 * Text in a damaged file may be invalid UTF-8. `libsql` then ends the process, and `node:sqlite` replaces the invalid
 * bytes; both return bytes unchanged.
 */
export function selectText(...columns: readonly string[]): string {
  return columns.map(column => `CAST(${column} AS BLOB) AS ${column}`).join(', ')
}

/** Decodes bytes to text. @throws an error with SQLite's code of a damaged file if they are not UTF-8 */
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
