import { afterEach } from 'vitest'
import { openPostgresStore, type PostgresStore, type PostgresStoreOptions } from '../../src/store/postgres/index.ts'
import { createDatabase } from '../support/postgres.ts'

const closing: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
}, 60_000)

/** Runs after the test, the last one first. */
export function afterTest(close: () => Promise<void>): void {
  closing.push(close)
}

/** A store, closed after the test; on a database of its own unless one is given. */
export async function openHere(url?: string, options: PostgresStoreOptions = {}): Promise<PostgresStore> {
  const store = await openPostgresStore(url ?? (await createDatabase()), options)
  afterTest(() => store.close())
  return store
}
