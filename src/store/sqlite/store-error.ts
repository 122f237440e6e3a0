import { basename } from 'node:path'
import { DagstreamError } from '../../errors.ts'
import { readResultCode, SQLITE } from './driver.ts'

/** Meaning of a result code for the user, and the likely fix. */
const MEANINGS: ReadonlyMap<number, string> = new Map([
  [SQLITE.BUSY, 'is locked by another program: end it, or raise `busyTimeoutMs`'],
  [SQLITE.LOCKED, 'is locked by another program: end it, or raise `busyTimeoutMs`'],
  [SQLITE.READONLY, 'cannot be written: check the permissions of the file and of its directory, and its file system'],
  [SQLITE.IOERR, 'could not be read or written: check the disk'],
  [SQLITE.CORRUPT, 'is damaged: move it away and use a backup, or save what can be read by `sqlite3 FILE .dump`'],
  [SQLITE.FULL, 'has no space left on its disk: free some space, and writing continues'],
  [SQLITE.CANTOPEN, 'cannot be opened: check the permissions of the file and of its directory'],
  [SQLITE.NOTADB, 'is not an SQLite file, or its beginning is damaged: name another file, or use a backup'],
])

/** Result codes for errors of the operating system. */
const SYSTEM_CODES: ReadonlyMap<unknown, number> = new Map([
  ['EACCES', SQLITE.READONLY],
  ['EPERM', SQLITE.READONLY],
  ['EROFS', SQLITE.READONLY],
  ['ENOSPC', SQLITE.FULL],
  ['EDQUOT', SQLITE.FULL],
  ['EIO', SQLITE.IOERR],
])

/**
 * Converts an error of SQLite to `STORE_FAILED`, with the file in `details` and the error as `cause`.
 *
 * The message names the file without its directory, because it may reach clients.
 */
export function toStoreError(file: string, error: unknown): DagstreamError {
  if (error instanceof DagstreamError) return error
  const { code } = (error ?? {}) as { readonly code?: unknown }
  const meaning = MEANINGS.get(readResultCode(error) ?? SYSTEM_CODES.get(code) ?? -1)
  return failStore(file, meaning ?? `failed: ${describe(error)}; check the disk, or use a backup`, error)
}

/** Creates a `STORE_FAILED` whose message begins with the file. */
export function failStore(file: string, meaning: string, cause?: unknown): DagstreamError {
  return new DagstreamError('STORE_FAILED', `The store \`${basename(file)}\` ${meaning}`, { details: { file }, cause })
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
