import { expect, test } from 'vitest'
import { loadDriver } from '../../src/store/sqlite/driver.ts'
import type { SqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { makeEnd, makeEntries } from '../../src/testing/store-fixtures.ts'
import { begin, listIds, makePath, openHere } from './sqlite-rig.ts'

// Text in a damaged file may be no UTF-8. Some bindings of SQLite end the process on that.

/** A file with `a`, which has everything that a store can have, and `b`. */
async function makeStore(): Promise<string> {
  const file = makePath()
  const store = await openHere(file)
  const workflow = '{"name":"é","tasks":[]}'
  await store.create({
    executionId: 'a',
    createdAt: '2026-01-01T00:00:00.000Z',
    owner: 'é',
    idempotencyKey: 'k',
    requestHash: 'h',
    workflow,
    input: '1',
    options: '{}',
  })
  const lease = await store.claim('a')
  await store.append(lease, 1, makeEntries('a', 1, 2))
  await store.putOutput(lease, 't', '"é"')
  const other = await begin(store, 'b')
  await store.append(other, 1, [makeEnd('b', 1, 'success')])
  await store.close()
  return file
}

const find = (store: SqliteStore): unknown => store.get('a')
const list = (store: SqliteStore): unknown => store.list({ limit: 10 })
const read = (store: SqliteStore): unknown => store.read('a', 0, 10)

test.each<[column: string, table: string, reads: ((store: SqliteStore) => unknown)[]]>([
  ['id', 'executions', [list, store => store.interrupted?.()]],
  ['owner', 'executions', [find, list]],
  ['idempotency_key', 'executions', [find, list]],
  ['request_hash', 'executions', [find, list, store => store.findByKey?.('é', 'k')]],
  ['created_at', 'executions', [find, list]],
  ['status', 'executions', [find, list]],
  ['notes', 'executions', [find, list]],
  ['workflow', 'requests', [find, store => store.summarize(['a'])]],
  ['input', 'requests', [find]],
  ['options', 'requests', [find]],
  ['type', 'events', [read]],
  ['json', 'events', [read]],
  ['json', 'outputs', [store => store.getOutput('a', 't')]],
])('text that is not UTF-8 in the column %s of %s is reported as damage, and the process continues', async (...row) => {
  const [column, table, reads] = row
  const file = await makeStore()
  const connection = (await loadDriver()).open(file)
  const where = table === 'executions' ? "WHERE id = 'a'" : ''
  connection.exec(`UPDATE ${table} SET ${column} = CAST(x'22ff22' AS TEXT) ${where}`)
  connection.close()
  const store = await openHere(file)
  for (const ask of reads) {
    await expect((async () => ask(store))()).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('The store `executions.db` is damaged: move it away and use a backup'),
      details: { file },
    })
  }
  // What is not damaged is read, and more is written.
  expect(await store.get('b')).toMatchObject({ status: 'success' })
  await begin(store, 'c')
  expect(await store.get('c')).toMatchObject({ executionId: 'c', status: 'running' })
})

test('a damaged first event leaves its time out of a summary', async () => {
  const file = await makeStore()
  const connection = (await loadDriver()).open(file)
  connection.exec("UPDATE events SET json = CAST(x'7b22ff' AS TEXT)")
  connection.close()
  const store = await openHere(file)
  expect(await store.summarize(['a'])).toEqual([{ name: 'é', totalTasks: 0 }])
  expect(await listIds(store)).toEqual(['a', 'b'])
})

test('text of any kind comes back as it was', async () => {
  const store = await openHere()
  for (const [at, text] of ['', '\uFEFFx', 'é 🧵 \u2028', '\u0000', 'x'.repeat(100_000)].entries()) {
    const lease = await begin(store, `x${at}`)
    const json = JSON.stringify(text)
    await store.putOutput(lease, 't', json)
    expect(await store.getOutput(`x${at}`, 't')).toBe(json)
  }
})
