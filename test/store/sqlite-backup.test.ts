import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { loadDriver } from '../../src/store/sqlite/driver.ts'
import { makeEntries } from '../../src/testing/store-fixtures.ts'
import { begin, finish, listIds, makePath, openHere, readSeqs, upTo } from './sqlite-rig.ts'

test('a backup made while everything continues is the store at one moment', async () => {
  const store = await openHere()
  for (const id of ['a', 'b']) await finish(store, id, 5000)
  const lease = await begin(store, 'goes on', { owner: 'me', workflow: '{"tasks":[]}', idempotencyKey: 'k' })
  for (let n = 0; n < 10; n++) await store.putOutput(lease, `task ${n}`, JSON.stringify('x'.repeat(100_000)))
  const path = makePath('backup.db')
  const progress = { isDone: false }
  const backup = store.backup(path).finally(() => (progress.isDone = true))
  let seq = 1
  for (; !progress.isDone; seq += 10) await store.append(lease, seq, makeEntries('goes on', seq, 10))
  await backup
  expect(seq).toBeGreaterThan(50)
  const { open } = await loadDriver()
  const connection = open(path)
  expect(connection.query('PRAGMA integrity_check')()).toEqual([expect.objectContaining({ integrity_check: 'ok' })])
  connection.close()
  const copy = await openHere(path)
  expect(await listIds(copy)).toEqual(await listIds(store))
  for (const id of ['a', 'b']) expect(await copy.read(id, 0, 10_000)).toEqual(await store.read(id, 0, 10_000))
  const seqs = await readSeqs(copy, 'goes on')
  expect(seqs).toEqual(upTo(seqs.length))
  expect(seqs.length).toBeLessThan(seq - 1)
  expect(await copy.get('goes on')).toEqual(await store.get('goes on'))
  expect(await copy.getOutput('goes on', 'task 9')).toBe(await store.getOutput('goes on', 'task 9'))
  // It is a store like any other.
  await copy.append(await copy.claim('goes on'), seqs.length + 1, makeEntries('goes on', seqs.length + 1, 1))
})

test('a store that is only read can be backed up too', async () => {
  const file = makePath()
  await finish(await openHere(file), 'a')
  const path = makePath('backup.db')
  await (await openHere(file, { readOnly: true })).backup(path)
  expect(await readSeqs(await openHere(path), 'a')).toEqual([1, 2])
})

test('a backup never replaces a file, and leaves nothing when it fails', async () => {
  const store = await openHere()
  await finish(store, 'a')
  const path = makePath('backup.db')
  writeFileSync(path, 'mine')
  const refused = { code: 'STORE_FAILED', message: expect.stringContaining('already') }
  await expect(store.backup(path)).rejects.toMatchObject(refused)
  await expect(store.backup(`${path}/none/backup.db`)).rejects.toMatchObject({ code: 'STORE_FAILED' })
  await expect(store.backup('')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  expect(readdirSync(dirname(path))).toEqual(['backup.db'])
  writeFileSync(`${path}.2.part`, 'left behind')
  await expect(store.backup(`${path}.2`)).rejects.toMatchObject({ message: expect.stringContaining('.2.part') })
  expect(existsSync(`${path}.2`)).toBe(false)
  expect(await readSeqs(store, 'a')).toEqual([1, 2])
})
