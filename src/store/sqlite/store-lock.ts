import { basename } from 'node:path'
import { systemClock } from '../../clock.ts'
import { DagstreamError } from '../../errors.ts'
import { sleep } from '../../sleep.ts'
import { readResultCode, SQLITE, type SqliteConnection, type SqliteDriver } from './driver.ts'
import { failStore } from './store-error.ts'
import { makeFile } from './store-path.ts'

/** Retries, because two stores that open at the same instant may block each other. */
const ATTEMPTS = 5
const PAUSE_MS = 10

/**
 * Locks a store for writing, at most until this process ends: an exclusive lock on a companion file, which the operating
 * system releases even after a crash. The store's own file stays readable for others.
 *
 * @returns a function that releases the lock
 * @throws `STORE_IN_USE` if another store, of this or another process, holds the lock
 */
export async function lockStore(driver: SqliteDriver, file: string): Promise<() => void> {
  const path = `${file}-lock`
  makeFile(path)
  const connection = open(driver, file, path)
  for (let attempt = 1; ; attempt++) {
    try {
      // Avoids a journal file beside the store while it is open.
      connection.query('PRAGMA journal_mode = MEMORY')()
      connection.exec('BEGIN EXCLUSIVE')
      break
    } catch (error) {
      if (readResultCode(error) === SQLITE.BUSY && attempt < ATTEMPTS) {
        await sleep(systemClock, PAUSE_MS * attempt * Math.random())
        continue
      }
      connection.close()
      throw explain(file, path, error)
    }
  }
  return () => {
    connection.exec('ROLLBACK')
    connection.close()
  }
}

function open(driver: SqliteDriver, file: string, path: string): SqliteConnection {
  try {
    return driver.open(path)
  } catch (error) {
    throw explain(file, path, error)
  }
}

/** Explains why locking failed: another store holds the lock, or the file is not a lock file. */
function explain(file: string, path: string, error: unknown): unknown {
  const code = readResultCode(error)
  if (code === SQLITE.BUSY) return inUse(file, error)
  if (code !== SQLITE.NOTADB && code !== SQLITE.CORRUPT && code !== SQLITE.CANTOPEN) return error
  const lock = basename(path)
  return failStore(file, `cannot be locked by \`${lock}\`: remove it while no server runs; it is recreated`, error)
}

function inUse(file: string, cause: unknown): DagstreamError {
  const message = `\`${file}\` is in use by another process, or by another store of this one: stop it, or open the file with \`readOnly\``
  return new DagstreamError('STORE_IN_USE', message, { details: { file }, cause })
}
