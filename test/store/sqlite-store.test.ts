import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import type { SqliteStoreOptions } from '../../src/store/sqlite/store-options.ts'
import { makeEntries } from '../../src/testing/store-fixtures.ts'
import { begin, finish, listIds, makePath, openHere, readSeqs, upTo, watchDriver } from './sqlite-rig.ts'

test('everything is there again after it was closed and opened', async () => {
  const file = makePath()
  const first = await openHere(file)
  const record = { owner: 'me', idempotencyKey: 'k', requestHash: 'h', workflow: '{}', input: '1', options: '[]' }
  const lease = await begin(first, 'a', record)
  await first.append(lease, 1, makeEntries('a', 1, 3))
  await first.putOutput(lease, 'task', '{"n":1}')
  await finish(first, 'b')
  const entries = await first.read('a', 0, 10)
  await first.close()
  const second = await openHere(file)
  const expected = { executionId: 'a', createdAt: '2026-01-01T00:00:00.000Z', ...record, status: 'running' }
  expect(await second.get('a')).toEqual(expected)
  expect(await second.findByKey?.('me', 'k')).toEqual(await second.get('a'))
  expect(await second.read('a', 0, 10)).toEqual(entries)
  expect([await second.getOutput('a', 'task'), await second.get('b')]).toEqual([
    '{"n":1}',
    expect.objectContaining({ status: 'success' }),
  ])
  expect((await second.claim('a')).epoch).toBe(2)
})

test('a lease of the previous process cannot append once the execution is claimed', async () => {
  const file = makePath()
  const first = await openHere(file)
  const lease = await begin(first, 'a')
  await first.close()
  const second = await openHere(file)
  await second.claim('a')
  await expect(second.append(lease, 1, makeEntries('a', 1, 1))).rejects.toMatchObject({ code: 'FENCED' })
})

test('unfinished executions that are not claimed here are interrupted, oldest first, without their requests', async () => {
  const file = makePath()
  const first = await openHere(file)
  await begin(first, 'late', { createdAt: '2026-01-02T00:00:00.000Z', workflow: '{"tasks":[]}' })
  await begin(first, 'early', { createdAt: '2026-01-01T00:00:00.000Z' })
  await finish(first, 'ended')
  expect(await first.interrupted?.()).toEqual([])
  await first.close()
  const second = await openHere(file)
  expect((await second.interrupted?.())?.map(each => [each.executionId, each.workflow])).toEqual([
    ['early', undefined],
    ['late', undefined],
  ])
  await second.claim('early')
  expect((await second.interrupted?.())?.map(({ executionId }) => executionId)).toEqual(['late'])
})

test('everything of one turn is one transaction, anyone who it is from', async () => {
  const begun: string[] = []
  const driver = await watchDriver(sql => sql.startsWith('BEGIN IMMEDIATE') && begun.push(sql))
  const store = await openHere(makePath(), {}, { driver })
  const leases = await Promise.all(upTo(50).map(n => begin(store, `execution ${n}`)))
  await store.sweep()
  begun.length = 0
  await Promise.all(
    leases.map(async lease => {
      const put = store.putOutput(lease, 'task', '1')
      const appended = store.append(lease, 1, makeEntries(lease.executionId, 1, 2))
      const next = store.append(lease, 3, makeEntries(lease.executionId, 3, 2))
      await Promise.all([put, appended, next])
    }),
  )
  expect(begun.length).toBe(1)
})

test('reads see earlier writes, also of the same turn', async () => {
  const store = await openHere()
  const created = store.create({ executionId: 'a', createdAt: '2026-01-01T00:00:00.000Z', idempotencyKey: 'k' })
  const found = store.findByKey?.(undefined, 'k')
  expect([await store.get('a'), await found, await created]).toEqual([
    expect.objectContaining({ executionId: 'a' }),
    expect.objectContaining({ executionId: 'a' }),
    undefined,
  ])
  const lease = await store.claim('a')
  const appended = store.append(lease, 1, makeEntries('a', 1, 2))
  expect(await readSeqs(store, 'a')).toEqual([1, 2])
  await appended
  // Nothing waits to be written, so the answer is there at once.
  expect(store.read('a', 0, 1)).toEqual([expect.objectContaining({ seq: 1 })])
})

test('a write that cannot be made does not take the others of its turn with it', async () => {
  const store = await openHere()
  const [a, b] = await Promise.all([begin(store, 'a'), begin(store, 'b')])
  const broken = makeEntries('a', 1, 3)
  const fault = new Error('no JSON')
  Object.defineProperty(broken[2], 'json', {
    get() {
      throw fault
    },
  })
  const answers = await Promise.allSettled([
    store.append(b, 1, makeEntries('b', 1, 2)),
    store.append(a, 1, broken),
    store.append(b, 3, makeEntries('b', 3, 1)),
    store.append(a, 1, makeEntries('a', 1, 1)),
  ])
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
  expect(answers[1]).toMatchObject({ reason: { code: 'STORE_FAILED', cause: fault } })
  expect([await readSeqs(store, 'a'), await readSeqs(store, 'b')]).toEqual([[1], [1, 2, 3]])
})

test('owners, keys and tasks that differ only in what UTF-8 has not are reported apart', async () => {
  const store = await openHere()
  const names = ['\ud800', '\udfff', '\ufffd', 'a\0b', 'a\0c', '']
  for (const [at, name] of names.entries()) {
    const lease = await begin(store, `of ${at}`, { owner: name, idempotencyKey: name })
    await store.putOutput(lease, 'task', String(at))
    await store.putOutput(lease, `${name} task`, JSON.stringify(name))
  }
  for (const [at, name] of names.entries()) {
    expect(await store.list({ owner: name, limit: 10 })).toEqual([
      expect.objectContaining({ executionId: `of ${at}`, owner: name, idempotencyKey: name }),
    ])
    expect(await store.getOutput(`of ${at}`, `${name} task`)).toBe(JSON.stringify(name))
  }
})

test('events have their places however many executions there have been', async () => {
  const driver = await watchDriver()
  const store = await openHere(makePath(), {}, { driver })
  await begin(store, 'first')
  // Places above what a double holds exactly.
  driver.connections.at(-1)?.exec('UPDATE executions SET number = 5000001')
  const [a, b] = await Promise.all([begin(store, 'a'), begin(store, 'b')])
  await store.append(a, 1, makeEntries('a', 1, 21))
  await Promise.all([store.append(b, 1, makeEntries('b', 1, 2)), store.append(a, 22, makeEntries('a', 22, 1))])
  expect([await readSeqs(store, 'a'), await readSeqs(store, 'b')]).toEqual([upTo(22), [1, 2]])
  expect((await store.read('a', 20, 10)).map(({ seq }) => seq)).toEqual([21, 22])
  expect([await store.read('a', 2 ** 40, 10), await store.read('a', 0, Number.POSITIVE_INFINITY)]).toEqual([
    [],
    expect.objectContaining({ length: 22 }),
  ])
})

test('a closed store refuses everything, and earlier writes are kept', async () => {
  const file = makePath()
  const store = await openHere(file)
  const lease = await begin(store, 'a')
  const appended = store.append(lease, 1, makeEntries('a', 1, 2))
  await Promise.all([store.close(), store.close()])
  await appended
  const closed = { code: 'STORE_FAILED', message: expect.stringContaining('is closed') }
  await expect(store.append(lease, 3, makeEntries('a', 3, 1))).rejects.toMatchObject(closed)
  await expect((async () => store.read('a', 0, 1))()).rejects.toMatchObject(closed)
  await expect(store.backup(makePath())).rejects.toMatchObject(closed)
  await expect(store.sweep()).rejects.toMatchObject(closed)
  expect(await readSeqs(await openHere(file), 'a')).toEqual([1, 2])
})

test('a second store of the same process is refused, also by another name of the file', async () => {
  const file = makePath()
  const store = await openHere(file)
  const link = join(dirname(makePath()), 'link.db')
  symlinkSync(file, link)
  for (const name of [file, link]) await expect(openHere(name)).rejects.toMatchObject({ code: 'STORE_IN_USE' })
  await store.close()
  expect((await openHere(link)).file).toBe(file)
})

test('one who only reads writes nothing, and is reported so', async () => {
  const file = makePath()
  const store = await openHere(file)
  const lease = await begin(store, 'a')
  const reader = await openHere(file, { readOnly: true })
  const refused = { code: 'STORE_FAILED', message: expect.stringContaining('`readOnly`') }
  await expect(reader.create({ executionId: 'b', createdAt: '' })).rejects.toMatchObject(refused)
  await expect(reader.claim('a')).rejects.toMatchObject(refused)
  await expect(reader.append(lease, 1, makeEntries('a', 1, 1))).rejects.toMatchObject(refused)
  await expect(reader.delete('a')).rejects.toMatchObject(refused)
  await expect(reader.sweep()).rejects.toMatchObject(refused)
  expect(['interrupted' in reader, await listIds(reader)]).toEqual([false, ['a']])
  await store.append(lease, 1, makeEntries('a', 1, 1))
  expect(await readSeqs(reader, 'a')).toEqual([1])
})

test('a file is for its owner alone, and its companions too', async () => {
  const file = makePath()
  const store = await openHere(file)
  await begin(store, 'a')
  for (const end of ['', '-wal', '-shm', '-lock']) expect(statSync(file + end).mode & 0o077).toBe(0)
})

test.each([
  ['', 'the path of a file'],
  ['a\0b', 'the path of a file'],
  [':memory:', '`createMemoryStore`'],
  ['file:a.db', 'not a URL'],
  ['~/a.db', 'without `~`'],
])('the path %j is refused', async (path, said) => {
  const refused = { code: 'INVALID_OPTION', message: expect.stringContaining(said) }
  await expect(openSqliteStore(path)).rejects.toMatchObject(refused)
})

test('a place where no file can be is reported', async () => {
  const directory = dirname(makePath())
  const refused = (said: string): object => ({ code: 'STORE_FAILED', message: expect.stringContaining(said) })
  await expect(openHere(directory)).rejects.toMatchObject(refused('is not a file'))
  await expect(openHere(join(directory, 'none', 'a.db'))).rejects.toMatchObject(refused('there is no directory'))
  await expect(openHere(join(directory, 'a.db'), { readOnly: true })).rejects.toMatchObject(refused('there is no file'))
  expect(existsSync(join(directory, 'a.db'))).toBe(false)
  writeFileSync(join(directory, 'a.db'), '')
  await expect(openHere(join(directory, 'a.db'), { readOnly: true })).rejects.toMatchObject(refused('is empty'))
  await openHere(join(directory, 'a.db'))
})

// Root may write anywhere.
test('a path that cannot be written is reported', async () => {
  // Root may write everywhere but where the kernel lets nobody.
  if (process.getuid?.() === 0) {
    await expect(openHere('/sys/dagstream.db')).rejects.toMatchObject({ code: 'STORE_FAILED' })
    return
  }
  const directory = join(dirname(makePath()), 'closed')
  mkdirSync(directory, { mode: 0o500 })
  await expect(openHere(join(directory, 'a.db'))).rejects.toMatchObject({ code: 'STORE_FAILED' })
  chmodSync(directory, 0o700)
})

test.each([
  ['durability', 'none'],
  ['readOnly', 1],
  ['maxFinishedAgeMs', -1],
  ['maxFinishedCount', Number.NaN],
  ['busyTimeoutMs', '5'],
  ['clock', {}],
  ['logger', {}],
  ['path', 'a'],
  ['toString', 5],
])('the option %s is refused as %s, by its name', async (option, value) => {
  await expect(openSqliteStore(makePath(), { [option]: value })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringContaining(`\`${option}\``),
  })
})

test.each<SqliteStoreOptions>([{ durability: 'full' }, { maxFinishedAgeMs: 1 }, { maxFinishedCount: 1 }])(
  'retention is not an option of a read-only store: %j',
  async options => {
    const file = makePath()
    await openHere(file)
    await expect(openHere(file, { ...options, readOnly: true })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  },
)

test('an option that is undefined has its default', async () => {
  const names = ['durability', 'readOnly', 'maxFinishedAgeMs', 'maxFinishedCount', 'busyTimeoutMs', 'clock', 'logger']
  const store = await openHere(makePath(), Object.fromEntries(names.map(name => [name, undefined])))
  await finish(store, 'a')
  expect(await listIds(store)).toEqual(['a'])
})

test('an execution that was created and never claimed has not begun, and is removed when the file is opened again', async () => {
  const file = makePath()
  const first = await openHere(file)
  for (const executionId of ['claimed later', 'refused', 'run']) {
    await first.create({ executionId, createdAt: '2026-01-01T00:00:00.000Z', idempotencyKey: executionId })
  }
  await first.claim('run')
  await first.sweep()
  expect([await listIds(first), await first.interrupted?.()]).toEqual([['claimed later', 'refused', 'run'], []])
  await first.close()

  let isFull = true
  const driver = await watchDriver(sql => {
    if (isFull && sql === 'COMMIT') throw Object.assign(new Error('full'), { errcode: 13 })
  })
  const second = await openHere(file, {}, { driver })
  // What opening it was to remove could not be, for want of room.
  await expect(second.sweep()).rejects.toMatchObject({ code: 'STORE_FAILED' })
  expect((await second.interrupted?.())?.map(({ executionId }) => executionId)).toEqual(['run'])
  isFull = false
  await second.claim('claimed later')
  await second.create({ executionId: 'new', createdAt: '2026-01-01T00:00:00.000Z' })
  await second.sweep()
  expect(await listIds(second)).toEqual(['claimed later', 'new', 'run'])
  expect(await second.findByKey?.(undefined, 'refused')).toBeUndefined()
})

test('beside an open store lie its log, its shared memory and its lock, and nothing else', async () => {
  const file = makePath()
  const store = await openHere(file)
  await begin(store, 'a')
  expect(readdirSync(dirname(file)).sort()).toEqual(['', '-lock', '-shm', '-wal'].map(part => `executions.db${part}`))
})
