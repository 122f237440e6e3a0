import pg from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Member } from '../../src/cluster/members.ts'
import { checkPostgresStore, migratePostgresStore, openPostgresStore } from '../../src/store/postgres/index.ts'
import type { Migration } from '../../src/store/postgres/sql/migrations.ts'
import { makeRecord } from '../../src/testing/store-fixtures.ts'
import { createDatabase, createEmptyDatabase, execute, isPostgresMissing } from '../support/postgres.ts'
import { openHere } from './postgres-rig.ts'

describe.skipIf(isPostgresMissing)('a migration', () => {
  test('makes a store of an empty database, once', async () => {
    const url = await createEmptyDatabase()
    await expect(openPostgresStore(url)).rejects.toMatchObject({
      code: 'STORE_NOT_MIGRATED',
      message: expect.stringContaining('dagstream store migrate') as unknown,
    })
    await expect(checkPostgresStore(url)).rejects.toMatchObject({ code: 'STORE_NOT_MIGRATED' })
    const reports = await Promise.all([1, 2, 3].map(() => migratePostgresStore(url)))
    const { newest } = await checkPostgresStore(url)
    expect(reports.flatMap(({ made }) => made)).toHaveLength(newest)
    expect(await migratePostgresStore(url)).toEqual({ found: newest, newest, made: [] })
    const store = await openHere(url)
    expect(await store.list({ limit: 1 })).toEqual([])
  })

  test('leaves servers of the version before at work, and refuses those of two before', async () => {
    const url = await createDatabase()
    const { found } = await checkPostgresStore(url)
    await execute(url, 'INSERT INTO dagstream.versions (version) VALUES ($1)', [found + 1])
    expect((await checkPostgresStore(url)).found).toBe(found + 1)
    await execute(url, 'INSERT INTO dagstream.versions (version) VALUES ($1)', [found + 2])
    await expect(openPostgresStore(url)).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('newer dagstream') as unknown,
    })
  })

  /** Steps that change nothing, up to a version. */
  const upTo = (version: number): Migration[] => Array.from({ length: version }, () => ({ title: 'done', sql: '' }))

  /** A step that alters tables in an order in which no statement of a store uses them. */
  const altering = (version: number): Migration[] => [
    ...upTo(version),
    {
      title: 'made',
      sql: 'ALTER TABLE dagstream.executions ADD COLUMN made text; ALTER TABLE dagstream.orders ADD COLUMN made text',
    },
  ]

  const connect = async (url: string): Promise<pg.Client> => {
    const client = new pg.Client(url)
    await client.connect()
    onTestFinished(() => client.end())
    return client
  }
  /** Resolves once somebody waits for a table. */
  const untilWaited = async (url: string, table: string): Promise<void> => {
    const waiting = `SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'dagstream.${table}'::regclass`
    while ((await execute(url, waiting)).length === 0);
  }

  test('yields to a running transaction that it would meet in a deadlock', async () => {
    const url = await createDatabase()
    const { found } = await checkPostgresStore(url)
    const client = await connect(url)
    await client.query('BEGIN; DELETE FROM dagstream.orders')
    const migrated = migratePostgresStore(url, altering(found))
    // It has the one table already.
    await untilWaited(url, 'orders')
    await client.query('DELETE FROM dagstream.executions')
    await client.query('COMMIT')
    expect(await migrated).toMatchObject({ made: ['made'] })
  })

  test('lets the processes go on while a backup reads the tables, and says so in the end', async () => {
    const url = await createDatabase()
    const { found } = await checkPostgresStore(url)
    const client = await connect(url)
    await client.query('BEGIN; SELECT FROM dagstream.executions')
    await expect(migratePostgresStore(url, altering(found), 0)).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('backup') as unknown,
    })
    expect((await checkPostgresStore(url)).found).toBe(found)
    const migrated = migratePostgresStore(url, altering(found))
    const store = await openHere(url)
    await untilWaited(url, 'executions')
    await store.create(makeRecord())
    await client.query('COMMIT')
    expect(await migrated).toMatchObject({ made: ['made'] })
  })

  const member: Member = {
    memberId: 'm1',
    role: 'worker',
    startedAt: new Date(0).toISOString(),
    tools: [],
    running: 0,
    capacity: 1,
    version: '0.0.7',
  }
  test('by two steps is refused while a process of the version before them is at work', async () => {
    const url = await createDatabase()
    const store = await openHere(url)
    const { found } = await checkPostgresStore(url)
    await store.members.announce(member, 'store', 60_000)
    await expect(migratePostgresStore(url, upTo(found + 2))).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('worker m1 (dagstream 0.0.7)') as unknown,
    })
    expect((await checkPostgresStore(url)).found).toBe(found)
    expect(await migratePostgresStore(url, upTo(found + 1))).toMatchObject({ made: ['done'] })
    await expect(migratePostgresStore(url, upTo(found + 2))).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await store.members.leave('m1')
    expect(await migratePostgresStore(url, upTo(found + 2))).toMatchObject({ made: ['done'] })
  })

  test('counts a process that does not tell its version as of version 2, and ignores damaged rows', async () => {
    const url = await createDatabase()
    const store = await openHere(url)
    const { found } = await checkPostgresStore(url)
    await store.members.announce(member, 'store', 60_000)
    await execute(url, `UPDATE dagstream.members SET body = '{"role":"server","version":"0.0.1"}'`)
    await expect(migratePostgresStore(url, upTo(found + 2))).rejects.toMatchObject({
      message: expect.stringContaining('server m1 (dagstream 0.0.1)') as unknown,
    })
    await execute(url, `UPDATE dagstream.members SET body = '{'`)
    expect(await migratePostgresStore(url, upTo(found + 2))).toMatchObject({ made: ['done', 'done'] })
  })

  test('that a process has missed, such as one that was cut off, keeps it from joining again', async () => {
    const url = await createDatabase()
    const store = await openHere(url)
    const { found } = await checkPostgresStore(url)
    await store.members.announce(member, 'store', 60_000)
    await execute(url, `UPDATE dagstream.members SET alive_until = clock_timestamp()`)
    await migratePostgresStore(url, upTo(found + 1))
    await store.members.announce(member, 'store', 60_000)
    await execute(url, `UPDATE dagstream.members SET alive_until = clock_timestamp()`)
    await migratePostgresStore(url, upTo(found + 2))
    await expect(store.members.announce(member, 'store', 60_000)).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('newer dagstream') as unknown,
    })
  })

  test('that fails leaves the version before', async () => {
    const url = await createDatabase()
    const { found } = await checkPostgresStore(url)
    const broken = { title: 'broken', sql: 'CREATE TABLE dagstream.extra (a int); SELECT 1 / 0' }
    await expect(migratePostgresStore(url, [...upTo(found), broken])).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect((await checkPostgresStore(url)).found).toBe(found)
    expect(await execute(url, `SELECT to_regclass('dagstream.extra') AS extra`)).toEqual([{ extra: null }])
  })
})
