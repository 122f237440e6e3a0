import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { loadDriver, type SqliteConnection } from '../../src/store/sqlite/driver.ts'
import type { SqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { makeEntries } from '../../src/testing/store-fixtures.ts'
import type { Lease } from '../../src/log/event-log.ts'
import { begin, finish, listIds, makePath, openHere, readSeqs, upTo, watchDriver } from '../store/sqlite-rig.ts'
import { FakeClock } from '../support/fake-clock.ts'

const failed = (said: string): object => ({ code: 'STORE_FAILED', message: expect.stringContaining(said) })

/** Appends batches of ten until the store refuses one. @returns the last seq that was acknowledged, and what refused the next */
async function appendUntilRefused(store: SqliteStore, lease: Lease): Promise<{ seq: number; error: unknown }> {
  let seq = 0
  for (;;) {
    const outcome = await Promise.allSettled([
      store.append(lease, seq + 1, makeEntries(lease.executionId, seq + 1, 10, 'x'.repeat(1000))),
    ])
    if (outcome[0].status === 'rejected') return { seq, error: outcome[0].reason }
    seq += 10
  }
}

async function expectWhole(store: SqliteStore, lease: Lease, seq: number): Promise<void> {
  expect(await readSeqs(store, lease.executionId)).toEqual(upTo(seq))
}

test('a full disk refuses new writes, keeps acknowledged ones, and accepts writes again once there is space', async () => {
  const driver = await watchDriver()
  const file = makePath()
  const store = await openHere(file, {}, { driver })
  const [lease, other] = await Promise.all([begin(store, 'a'), begin(store, 'b')])
  const connection = driver.connections.at(-1) as SqliteConnection
  const pages = Object.values(connection.query('PRAGMA page_count')()[0] ?? {})[0] as number
  connection.query(`PRAGMA max_page_count = ${pages + 100}`)()
  const { seq, error } = await appendUntilRefused(store, lease)
  expect(error).toMatchObject({ ...failed('no space left'), details: { file }, cause: expect.any(Error) })
  expect(seq).toBeGreaterThan(0)
  await expectWhole(store, lease, seq)
  // All writes of that turn, one of which used up the space.
  const large = makeEntries('a', seq + 1, 200, 'x'.repeat(1000))
  const turn = await Promise.allSettled([
    store.append(other, 1, makeEntries('b', 1, 1)),
    store.append(lease, seq + 1, large),
  ])
  expect(turn.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect([await readSeqs(store, 'b'), await listIds(store)]).toEqual([[], ['a', 'b']])
  connection.query(`PRAGMA max_page_count = ${pages + 10_000}`)()
  await Promise.all([store.append(other, 1, makeEntries('b', 1, 1)), store.append(lease, seq + 1, large)])
  await expectWhole(store, lease, seq + 200)
  await store.close()
  await expectWhole(await openHere(file), lease, seq + 200)
})

/** A file system of two megabytes; `undefined` where this user or machine cannot have one. */
function mountSmall(): { readonly directory: string; unmount(): void } | undefined {
  const directory = join(dirname(makePath()), 'small')
  mkdirSync(directory)
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', directory])
  return status === 0 ? { directory, unmount: () => void spawnSync('umount', ['-l', directory]) } : undefined
}

test('a file system that is really full does the same', async context => {
  const small = mountSmall()
  if (small === undefined) {
    context.skip('a small file system cannot be mounted here')
    return
  }
  try {
    const ballast = join(small.directory, 'ballast')
    writeFileSync(ballast, Buffer.alloc(500_000))
    const file = join(small.directory, 'executions.db')
    const store = await openHere(file)
    const lease = await begin(store, 'a')
    const { seq, error } = await appendUntilRefused(store, lease)
    // Some systems report a full disk to SQLite as a failing one.
    expect(error).toMatchObject({ code: 'STORE_FAILED', message: expect.stringMatching(/no space|could not be/) })
    expect(seq).toBeGreaterThan(0)
    await expectWhole(store, lease, seq)
    rmSync(ballast)
    await store.append(lease, seq + 1, makeEntries('a', seq + 1, 10))
    await store.close()
    const again = await openHere(file)
    await expectWhole(again, lease, seq + 10)
    await again.close()
  } finally {
    small.unmount()
  }
})

test('a write waits for a program that locks the file, while the rest continues', async () => {
  const clock = new FakeClock()
  const file = makePath()
  const store = await openHere(file, { clock })
  const lease = await begin(store, 'a')
  await store.append(lease, 1, makeEntries('a', 1, 1))
  await store.sweep()
  const foreign = (await loadDriver()).open(file)
  foreign.exec('BEGIN EXCLUSIVE')
  const order: string[] = []
  const append = async (seq: number, name: string): Promise<void> => {
    await store.append(lease, seq, makeEntries('a', seq, 1))
    order.push(name)
  }
  const appended = Promise.all([append(2, 'first'), append(3, 'second')])
  await clock.run(2000)
  // It joins those that wait.
  const later = append(4, 'third')
  const read = Promise.resolve(store.read('a', 0, 10))
  await clock.run(2000)
  expect(order).toEqual([])
  foreign.exec('ROLLBACK')
  foreign.close()
  await clock.run(25)
  await Promise.all([appended, later])
  expect([order, (await read).map(({ seq }) => seq)]).toEqual([['first', 'second', 'third'], upTo(4)])
  expect(clock.timerCount).toBe(0)
})

test('a write that has waited long enough is refused, and the next one is made once the file is free', async () => {
  const clock = new FakeClock()
  const file = makePath()
  const store = await openHere(file, { clock, busyTimeoutMs: 300 })
  const lease = await begin(store, 'a')
  await store.sweep()
  const foreign = (await loadDriver()).open(file)
  foreign.exec('BEGIN EXCLUSIVE')
  const refused = expect(store.append(lease, 1, makeEntries('a', 1, 1))).rejects.toMatchObject(failed('is locked'))
  await clock.run(300)
  await refused
  expect([await readSeqs(store, 'a'), clock.timerCount]).toEqual([[], 0])
  foreign.exec('ROLLBACK')
  foreign.close()
  await store.append(lease, 1, makeEntries('a', 1, 1))
  expect(await readSeqs(store, 'a')).toEqual([1])
})

/** A file with two executions of 2,000 events each. */
async function makeFilled(): Promise<string> {
  const file = makePath()
  const store = await openHere(file)
  for (const id of ['a', 'b']) await finish(store, id, 2000)
  await store.close()
  return file
}

test('a file whose beginning is damaged is reported by its name, and left as it is', async () => {
  const file = await makeFilled()
  const bytes = readFileSync(file)
  bytes.fill('garbage', 0, 200)
  writeFileSync(file, bytes)
  await expect(openHere(file)).rejects.toMatchObject({
    ...failed('`executions.db` is not an SQLite file'),
    details: { file },
  })
  expect(readFileSync(file).equals(bytes)).toBe(true)
})

test('a file that was cut short is reported, when it is opened or where it is missing', async () => {
  const file = await makeFilled()
  truncateSync(file, Math.floor(statSync(file).size / 2 / 4096) * 4096)
  const use = async (): Promise<unknown> => {
    const store = await openHere(file)
    return [await readSeqs(store, 'a'), await readSeqs(store, 'b')]
  }
  await expect(use()).rejects.toMatchObject(failed('is damaged'))
})

test('garbage in the middle is reported when it is read, and the rest continues', async () => {
  const file = await makeFilled()
  const bytes = readFileSync(file)
  // Whole pages, from the middle of the first execution's events.
  const from = Math.floor(bytes.indexOf('entry 700') / 4096) * 4096
  bytes.fill(0xa5, from, from + 8 * 4096)
  writeFileSync(file, bytes)
  const store = await openHere(file)
  await expect((async () => readSeqs(store, 'a'))()).rejects.toMatchObject(failed('is damaged'))
  expect(await readSeqs(store, 'b')).toEqual(upTo(2000))
  const lease = await begin(store, 'c')
  await store.append(lease, 1, makeEntries('c', 1, 3))
  expect([await readSeqs(store, 'c'), await listIds(store)]).toEqual([
    [1, 2, 3],
    ['a', 'b', 'c'],
  ])
})

test("another program's file is refused, and left as it is", async () => {
  const file = makePath()
  writeFileSync(file, '')
  const foreign = (await loadDriver()).open(file)
  foreign.exec("CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine')")
  foreign.close()
  const bytes = readFileSync(file)
  for (const readOnly of [false, true]) {
    await expect(openHere(file, { readOnly })).rejects.toMatchObject(failed('to another program'))
  }
  expect(readFileSync(file).equals(bytes)).toBe(true)
})

test("a newer version's file is refused, and left as it is", async () => {
  const file = await makeFilled()
  const connection = (await loadDriver()).open(file)
  connection.exec('PRAGMA user_version = 99')
  connection.close()
  const bytes = readFileSync(file)
  for (const readOnly of [false, true]) {
    await expect(openHere(file, { readOnly })).rejects.toMatchObject(failed('by a newer dagstream'))
  }
  expect(readFileSync(file).equals(bytes)).toBe(true)
})

test('a file that is refused is free for another', async () => {
  const file = makePath()
  writeFileSync(file, 'garbage'.repeat(1000))
  await expect(openHere(file)).rejects.toMatchObject(failed('is not an SQLite file'))
  rmSync(file)
  expect(await listIds(await openHere(file))).toEqual([])
})
