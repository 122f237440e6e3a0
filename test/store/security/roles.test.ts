import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SharedStore } from '../../../src/cluster/shared-store.ts'
import { migratePostgresStore, openPostgresStore, type PostgresStore } from '../../../src/store/postgres/index.ts'
import { testDispatcher, testSharedStore } from '../../../src/testing/shared-conformance.ts'
import { hold } from '../../../src/testing/shared-fixtures.ts'
import { storeConformance } from '../../../src/testing/store-conformance.ts'
import { execute, isPostgresMissing, letPass, urlOf } from '../../support/postgres.ts'
import { type Cluster, removeFolder, startCluster, stopServer } from '../../support/postgres-cluster.ts'

// The grants are those of docs/machines.md, to the letter.

const page = readFileSync(new URL('../../../docs/machines.md', import.meta.url), 'utf8')
const grants = /```sql\n([\s\S]*?CREATE ROLE dagstream_app[\s\S]*?)```/.exec(page)?.[1] as string

describe.skipIf(isPostgresMissing)('with the grants of the documentation', () => {
  let cluster: Cluster
  const stores: PostgresStore[] = []
  const url = (role: string): string => urlOf(cluster, 'dagstream', role)
  const open = async (role: string): Promise<PostgresStore> => {
    const store = await openPostgresStore(url(role))
    stores.push(store)
    return store
  }
  const refusal = (sql: string, role = 'dagstream_worker'): Promise<unknown> =>
    execute(url(role), sql).then(
      rows => rows,
      (error: unknown) => (error as { code?: string }).code,
    )
  /** As if so much time had passed. */
  const wait = (ms: number): Promise<void> => letPass(url('postgres'), ms)

  beforeAll(async () => {
    cluster = await startCluster()
    await execute(urlOf(cluster, 'postgres'), `CREATE DATABASE dagstream TEMPLATE template0 ENCODING 'UTF8'`)
    await migratePostgresStore(url('postgres'))
    await execute(url('postgres'), grants)
    // Within the duration of a lease after its start a database lets none expire.
    const age = 'extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())'
    await execute(url('postgres'), `SELECT pg_sleep(greatest(0, 3.1 - ${age}))`)
  }, 60_000)
  afterAll(async () => {
    await Promise.all(stores.map(store => store.close()))
    await stopServer(cluster)
    removeFolder(cluster)
  })

  test('a server works with its role, and changes no schema and no version', async () => {
    const store = await open('dagstream_app')
    const cases = [
      ...testSharedStore(() => store, { wait }),
      ...testDispatcher(() => store, { wait }),
      ...storeConformance(() => store),
    ]
    for (const { run } of cases) await run()
    await store.sweep()
    for (const sql of [
      'DROP TABLE dagstream.events',
      'ALTER TABLE dagstream.orders ADD COLUMN more text',
      'CREATE TABLE dagstream.more (id text)',
      'TRUNCATE dagstream.events',
      'INSERT INTO dagstream.versions (version) VALUES (99)',
      'DELETE FROM dagstream.versions',
    ]) {
      expect([sql, await refusal(sql, 'dagstream_app')]).toEqual([sql, '42501'])
    }
  })

  test('a worker works with its role', async () => {
    const [server, worker] = [await open('dagstream_app'), await open('dagstream_worker')]
    const pick = <Part extends object>(part: Part, own: Part, names: readonly (keyof Part)[]): Part =>
      new Proxy(part, {
        get: (target, name) => {
          const from = names.includes(name as keyof Part) ? own : target
          return (Reflect.get(from, name) as (...values: unknown[]) => unknown).bind(from)
        },
      })
    const both: SharedStore = {
      ...server,
      orders: pick(server.orders, worker.orders, ['take', 'findWaiting', 'renew', 'handBack', 'interrupt']),
      inbox: pick(server.inbox, worker.inbox, ['post']),
      members: pick(server.members, worker.members, ['announce', 'leave', 'pauseTool']),
      hints: worker.hints,
    }
    for (const { run } of [...testSharedStore(() => both, { wait }), ...testDispatcher(() => both, { wait })])
      await run()
  })

  test('a worker reads no document, log, output or secret, and writes no log, order or command', async () => {
    const { execution } = await hold({ store: await open('dagstream_app'), wait })
    for (const sql of [
      'SELECT workflow, input FROM dagstream.requests',
      'SELECT owner FROM dagstream.executions',
      'SELECT json FROM dagstream.events',
      'SELECT json FROM dagstream.outputs',
      'SELECT json FROM dagstream.secrets',
      'SELECT json FROM dagstream.remembered',
      'SELECT body FROM dagstream.inbox',
      'SELECT id FROM dagstream.commands',
      `INSERT INTO dagstream.events (execution, seq, type, json) VALUES (1, 1, 'token', '{}')`,
      `UPDATE dagstream.events SET json = '{}'`,
      'DELETE FROM dagstream.events',
      'UPDATE dagstream.executions SET epoch = epoch + 1',
      'DELETE FROM dagstream.executions',
      'DELETE FROM dagstream.inbox',
      `INSERT INTO dagstream.orders (execution, execution_id, task, attempt, tool, owner, rank, command)
       VALUES (1, 'x', '"a"', 1, '"t"', '', 0, '{}')`,
      `INSERT INTO dagstream.inbox (execution, execution_id, command, kind, body) VALUES (1, 'x', 'c', 'command', '{}')`,
      `INSERT INTO dagstream.commands (id, execution, execution_id) VALUES ('c', 1, 'x')`,
      'INSERT INTO dagstream.versions (version) VALUES (99)',
      'CREATE TABLE dagstream.more (id text)',
    ]) {
      expect([sql, await refusal(sql)]).toEqual([sql, '42501'])
    }
    const worker = await open('dagstream_worker')
    const forbidden = { code: 'STORE_FAILED', message: expect.stringContaining('privilege') as unknown }
    await expect(worker.read(execution.executionId, 0, 1)).rejects.toMatchObject(forbidden)
    await expect(worker.claim(execution.executionId)).rejects.toMatchObject(forbidden)
    await expect(worker.sweep()).rejects.toMatchObject(forbidden)
  })

  test('nobody else connects', async () => {
    await execute(url('postgres'), 'CREATE ROLE stranger LOGIN')
    expect(await refusal('SELECT 1', 'stranger')).toBe('42501')
  })
})
