import pg from 'pg'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { LogEntry } from '../../src/events/log-entry.ts'
import { checkPostgresStore, migratePostgresStore, openPostgresStore } from '../../src/store/postgres/index.ts'
import type { Migration } from '../../src/store/postgres/sql/migrations.ts'
import { makeEnd, makeEntries, makeRecord, TIMESTAMP } from '../../src/testing/store-fixtures.ts'
import { createDatabase, createEmptyDatabase, execute, isPostgresMissing } from '../support/postgres.ts'
import { openHere } from './postgres-rig.ts'

describe.skipIf(isPostgresMissing)('a store in PostgreSQL', () => {
  test('everything is there again after it was closed and opened', async () => {
    const url = await createDatabase()
    const first = await openHere(url)
    const record = makeRecord({ owner: 'me', idempotencyKey: 'k', requestHash: 'h', workflow: '{}', input: '1' })
    const { executionId } = record
    await first.create(record)
    const lease = await first.claim(executionId)
    await first.append(lease, 1, makeEntries(executionId, 1, 3))
    await first.putOutput(lease, 'task', '{"n":1}')
    const entries = await first.read(executionId, 0, 10)
    await first.close()
    await expect(first.get(executionId)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    const second = await openHere(url)
    expect(await second.get(executionId)).toEqual({ ...record, status: 'running' })
    expect(await second.findByKey?.('me', 'k')).toEqual(await second.get(executionId))
    expect(await second.read(executionId, 0, 10)).toEqual(entries)
    expect(await second.getOutput(executionId, 'task')).toBe('{"n":1}')
  })

  test('NUL and half a character are kept in every text from outside', async () => {
    const store = await openHere()
    const odd = 'a\u0000b \ud800 é'
    const record = makeRecord({ owner: odd, idempotencyKey: odd, input: JSON.stringify(odd) })
    const { executionId } = record
    await store.create(record)
    const lease = await store.claim(executionId)
    const entry = new LogEntry(1, 'info', { executionId, timestamp: TIMESTAMP, level: 'info', message: odd })
    await store.append(lease, 1, [entry])
    await store.putOutput(lease, odd, JSON.stringify(odd))
    await store.remember?.({ owner: odd, key: 'k' }, { executionId, taskId: odd, output: JSON.stringify(odd) })
    expect(await store.findByKey?.(odd, odd)).toEqual({ ...record, status: 'running' })
    expect(await store.list({ owner: odd, limit: 1 })).toMatchObject([{ executionId, owner: odd, idempotencyKey: odd }])
    expect((await store.read(executionId, 0, 1))[0]?.json).toBe(entry.json)
    expect(await store.getOutput(executionId, odd)).toBe(JSON.stringify(odd))
    expect(await store.recall?.({ owner: odd, key: 'k' }, 1000)).toMatchObject({ taskId: odd })
  })

  test('an execution is interrupted once the store that claimed it is closed', async () => {
    const url = await createDatabase()
    const [first, second] = [await openHere(url), await openHere(url)]
    const { executionId } = makeRecord()
    await first.create(makeRecord({ executionId }))
    const lease = await first.claim(executionId)
    expect(await second.interrupted?.()).toEqual([])
    await first.close()
    expect(await second.interrupted?.()).toMatchObject([{ executionId, status: 'running' }])
    await second.claim(executionId)
    await expect(second.append(lease, 1, makeEntries(executionId, 1, 1))).rejects.toMatchObject({ code: 'FENCED' })
    expect(await second.interrupted?.()).toEqual([])
  })

  test('a sweep removes what is too old or too much, and clears its rows', async () => {
    const url = await createDatabase()
    const store = await openHere(url, { maxFinishedCount: 2, maxFinishedAgeMs: 60_000, maxCacheAgeMs: 60_000 })
    const ids: string[] = []
    for (let i = 0; i < 4; i++) {
      const { executionId } = makeRecord()
      await store.create(makeRecord({ executionId }))
      const lease = await store.claim(executionId)
      await store.putOutput(lease, 'a', '1')
      await store.append(lease, 1, [makeEnd(executionId, 1, 'success')])
      ids.push(executionId)
    }
    await execute(url, `UPDATE dagstream.executions SET ended_at = ended_at - interval '2 minutes' WHERE id = $1`, [
      ids[3],
    ])
    await store.remember?.({ key: 'k' }, { executionId: 'x', taskId: 'a', output: '1' })
    await execute(url, `UPDATE dagstream.remembered SET kept_at = kept_at - interval '2 minutes'`)
    // The oldest is the one whose end was moved; of the others two remain.
    expect(await store.sweep()).toBe(2)
    const left = await execute(url, 'SELECT id FROM dagstream.executions ORDER BY number')
    expect(left.map(({ id }) => id)).toEqual([ids[1], ids[2]])
    const counts = ['removals', 'events', 'outputs', 'remembered'].map(
      table => `(SELECT count(*)::int FROM dagstream.${table}) AS ${table}`,
    )
    await vi.waitFor(async () => {
      const [row] = await execute(url, `SELECT ${counts.join(', ')}`)
      expect(row).toEqual({ removals: 0, events: 2, outputs: 2, remembered: 0 })
    })
  })
})

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

  /** A step that alters tables in an order in which no statement of a store uses them. */
  const altering = (version: number): Migration[] => [
    ...Array.from({ length: version }, () => ({ title: 'done', sql: '' })),
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

  test('that fails leaves the version before', async () => {
    const url = await createDatabase()
    const { found } = await checkPostgresStore(url)
    const before = Array.from({ length: found }, () => ({ title: 'done', sql: '' }))
    const broken = { title: 'broken', sql: 'CREATE TABLE dagstream.extra (a int); SELECT 1 / 0' }
    await expect(migratePostgresStore(url, [...before, broken])).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect((await checkPostgresStore(url)).found).toBe(found)
    expect(await execute(url, `SELECT to_regclass('dagstream.extra') AS extra`)).toEqual([{ extra: null }])
  })
})
