import { existsSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { afterTurn } from '../../clock.ts'
import { DagstreamError } from '../../errors.ts'
import type { SqliteConnection, SqliteDriver } from './driver.ts'
import { migrate } from './schema.ts'
import { failStore, toStoreError } from './store-error.ts'
import { checkPath } from './store-path.ts'

/** The tables of a store, and the number of rows copied per turn of the event loop: some rows may be large. */
const TABLES = [
  { name: 'executions', key: 'number', rowsAtOnce: 1000 },
  { name: 'requests', key: 'execution', rowsAtOnce: 16 },
  { name: 'outputs', key: 'number', rowsAtOnce: 4 },
  { name: 'removals', key: 'execution', rowsAtOnce: 1000 },
  { name: 'events', key: 'place', rowsAtOnce: 1000 },
] as const

/**
 * Copies a snapshot of a store into a new file while the store is in use. A separate connection reads within one
 * transaction, which isolates it from concurrent writes, in slices between which the event loop turns. (`VACUUM INTO`
 * would block the loop from beginning to end.)
 *
 * The file appears only once it is complete and synced to disk.
 * @throws `STORE_FAILED` if the file exists already, or cannot be written
 */
export async function backUp(driver: SqliteDriver, file: string, to: string): Promise<void> {
  const path = resolve(checkPath(to))
  const part = `${path}.part`
  refuseExisting(path)
  if (!existsSync(dirname(path))) throw failStore(path, `cannot be created: there is no directory \`${dirname(path)}\``)
  try {
    await (await open(part, 'wx', 0o600)).close()
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST'
    throw isThere
      ? failStore(path, `is being written, or an earlier backup was interrupted: in that case remove \`${part}\``)
      : toStoreError(path, error)
  }
  try {
    await copyInto(driver.open(part), file, part)
    const written = await open(part, 'r+')
    try {
      await written.sync()
    } finally {
      await written.close()
    }
    refuseExisting(path)
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true })
    throw toStoreError(path, error)
  }
}

async function copyInto(copy: SqliteConnection, file: string, part: string): Promise<void> {
  try {
    // The file is not visible before it is complete, so no rollback is needed.
    copy.query('PRAGMA journal_mode = OFF')()
    copy.exec('PRAGMA synchronous = OFF')
    migrate(copy, part)
    copy.command('ATTACH ? AS source')(file)
    copy.exec('BEGIN')
    for (const table of TABLES) await copyTable(copy, table)
    copy.exec('COMMIT')
  } finally {
    copy.close()
  }
}

async function copyTable(copy: SqliteConnection, { name, key, rowsAtOnce }: (typeof TABLES)[number]): Promise<void> {
  const slice = copy.command(
    `INSERT INTO main.${name} SELECT * FROM source.${name}
     WHERE ${key} > (SELECT coalesce(max(${key}), -1) FROM main.${name}) ORDER BY ${key} LIMIT ${rowsAtOnce}`,
  )
  const isDone = copy.query(
    `SELECT coalesce((SELECT max(${key}) FROM source.${name}), -1) = coalesce((SELECT max(${key}) FROM main.${name}), -1) AS done`,
  )
  while (isDone()[0]?.['done'] !== 1) {
    slice()
    await new Promise<void>(afterTurn)
  }
}

function refuseExisting(path: string): void {
  if (!existsSync(path)) return
  throw new DagstreamError('STORE_FAILED', `Name another file for the backup: there is a file \`${path}\` already`, {
    details: { file: path },
  })
}
