import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import type { ExecutionRecord, ExecutionStore } from '../../src/store/execution-store.ts'
import { loadDriver, type SqliteConnection, type SqliteDriver } from '../../src/store/sqlite/driver.ts'
import { openStore, type StoreMakings } from '../../src/store/sqlite/open-store.ts'
import type { SqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { SqliteStoreOptions } from '../../src/store/sqlite/store-options.ts'
import { makeEnd, makeEntries } from '../../src/testing/store-fixtures.ts'
import type { Lease } from '../../src/log/event-log.ts'

const directories: string[] = []
const stores: SqliteStore[] = []

afterEach(async () => {
  await Promise.all(stores.splice(0).map(store => store.close()))
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

/** The path of a file that does not exist, in a directory of its own, which goes after the test. */
export function makePath(name = 'executions.db'): string {
  const directory = mkdtempSync(join(tmpdir(), 'dagstream-store-'))
  directories.push(directory)
  return join(directory, name)
}

/** A store that is closed after the test. */
export async function openHere(
  file: string = makePath(),
  options: SqliteStoreOptions = {},
  makings: StoreMakings = {},
): Promise<SqliteStore> {
  const store = await openStore(file, options, makings)
  stores.push(store)
  return store
}

/** The driver of this Node.js, with every connection that it opens in `connections`; `exec` is told each statement first. */
export async function watchDriver(
  onExec: (sql: string) => void = () => {},
): Promise<SqliteDriver & { readonly connections: SqliteConnection[] }> {
  const { name, open } = await loadDriver()
  const connections: SqliteConnection[] = []
  return {
    name,
    connections,
    open(path) {
      const connection = open(path)
      const watched: SqliteConnection = {
        ...connection,
        exec(sql) {
          onExec(sql)
          connection.exec(sql)
        },
      }
      connections.push(watched)
      return watched
    },
  }
}

/** An execution that is claimed. */
export async function begin(
  store: ExecutionStore,
  executionId: string,
  more: Partial<ExecutionRecord> = {},
): Promise<Lease> {
  await store.create({ executionId, createdAt: '2026-01-01T00:00:00.000Z', ...more })
  return store.claim(executionId)
}

/** An execution of `count` events that has ended. */
export async function finish(store: ExecutionStore, executionId: string, count = 2): Promise<Lease> {
  const lease = await begin(store, executionId)
  await store.append(lease, 1, [...makeEntries(executionId, 1, count - 1), makeEnd(executionId, count, 'success')])
  return lease
}

export async function listIds(store: ExecutionStore): Promise<string[]> {
  return (await store.list({ limit: 10_000 })).map(({ executionId }) => executionId)
}

/** The seqs that are read of an execution. */
export async function readSeqs(store: ExecutionStore, executionId: string): Promise<number[]> {
  return (await store.read(executionId, 0, 1_000_000)).map(({ seq }) => seq)
}

/** `1` to `count`. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1)
}
