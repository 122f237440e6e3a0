import { describe, expect, test, vi } from 'vitest'
import { LogEntry } from '../../src/events/log-entry.ts'
import { makeEnd, makeEntries, makeRecord, TIMESTAMP } from '../../src/testing/store-fixtures.ts'
import { createDatabase, execute, isPostgresMissing } from '../support/postgres.ts'
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
