import { basename } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { DagstreamError } from '../../errors.ts'
import { readResultCode, SQLITE, type SqliteConnection, type SqliteDriver } from './driver.ts'
import { failStore } from './store-error.ts'
import { makeFile } from './store-path.ts'

/** Two that begin in the same instant may hinder each other: how often, and how far apart, one tries again. */
const ATTEMPTS = 5
const PAUSE_MS = 10

/**
 * Takes the right to write a store, for as long as this process lives: an exclusive lock on a companion file, which the
 * system gives back however the process ends. The store's own file stays free for readers.
 *
 * @returns what gives it back
 * @throws `STORE_IN_USE` if another store has it, of this process or of another
 */
export async function lockStore(driver: SqliteDriver, file: string): Promise<() => void> {
  const path = `${file}-lock`
  makeFile(path)
  const connection = open(driver, file, path)
  for (let attempt = 1; ; attempt++) {
    try {
      // Its journal would lie beside the store for as long as that is open.
      connection.query('PRAGMA journal_mode = MEMORY')()
      connection.exec('BEGIN EXCLUSIVE')
      break
    } catch (error) {
      if (readResultCode(error) === SQLITE.BUSY && attempt < ATTEMPTS) {
        await wait(PAUSE_MS * attempt * Math.random())
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

/** What keeps from the lock: another one, or a file that is none. */
function explain(file: string, path: string, error: unknown): unknown {
  const code = readResultCode(error)
  if (code === SQLITE.BUSY) return inUse(file, error)
  if (code !== SQLITE.NOTADB && code !== SQLITE.CORRUPT && code !== SQLITE.CANTOPEN) return error
  const lock = basename(path)
  return failStore(
    file,
    `cannot be locked by \`${lock}\`: remove that while no server runs, and it is made anew`,
    error,
  )
}

function inUse(file: string, cause: unknown): DagstreamError {
  const message = `\`${file}\` is in use by another process, or by another store of this one: end that, or open it with \`readOnly\``
  return new DagstreamError('STORE_IN_USE', message, { details: { file }, cause })
}
