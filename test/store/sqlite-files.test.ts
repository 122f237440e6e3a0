import { spawnSync } from 'node:child_process'
import { copyFileSync, linkSync, mkdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { loadDriver } from '../../src/store/sqlite/driver.ts'
import { makeEntries } from '../../src/testing/store-fixtures.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { begin, finish, listIds, makePath, openHere, watchDriver } from './sqlite-rig.ts'

// What becomes of the files of a store under it, and what files are refused.

const failed = (said: string): object => ({ code: 'STORE_FAILED', message: expect.stringContaining(said) })

/** The path of a store with one execution that has ended, and that nobody has open. */
async function makeStore(): Promise<string> {
  const file = makePath()
  const store = await openHere(file)
  await finish(store, 'a')
  await store.close()
  return file
}

test.each([
  ['removed', (file: string) => unlinkSync(file)],
  ['moved away', (file: string) => renameSync(file, `${file}.old`)],
  [
    'replaced',
    (file: string) => {
      copyFileSync(file, `${file}.new`)
      renameSync(`${file}.new`, file)
    },
  ],
])('a file that is %s takes no write from the next look on, which is reported once', async (_, change) => {
  const file = makePath()
  const clock = new FakeClock()
  const told: string[] = []
  const store = await openHere(file, { clock, logger: { debug: () => {}, warn: message => void told.push(message) } })
  const lease = await begin(store, 'a')
  await store.append(lease, 1, makeEntries('a', 1, 1))
  change(file)
  await clock.run(1000)
  for (const seq of [2, 3]) {
    const appended = store.append(lease, seq, makeEntries('a', seq, 1))
    await expect(appended).rejects.toMatchObject({ ...failed('was removed or replaced'), details: { file } })
  }
  await expect(begin(store, 'b')).rejects.toMatchObject(failed('was removed or replaced'))
  expect(told.filter(message => message.includes('removed or replaced'))).toHaveLength(1)
})

test('a file that replaced a removed store is untouched when that is closed', async () => {
  const file = makePath()
  const clock = new FakeClock()
  const first = await openHere(file, { clock })
  await begin(first, 'a')
  for (const end of ['', '-wal', '-shm', '-lock']) rmSync(file + end)
  const second = await openHere(file)
  const lease = await begin(second, 'b')
  await clock.run(1000)
  await first.close()
  await second.append(lease, 1, makeEntries('b', 1, 1))
  const reader = await openHere(file, { readOnly: true })
  expect([await listIds(reader), (await reader.read('b', 0, 10)).length]).toEqual([['b'], 1])
})

test('a file with a hard link is refused by either name, and taken once there is one', async () => {
  const file = await makeStore()
  const other = `${file}.other`
  linkSync(file, other)
  for (const name of [file, other]) {
    for (const readOnly of [false, true]) {
      await expect(openHere(name, { readOnly })).rejects.toMatchObject(failed('a hard link'))
    }
  }
  unlinkSync(other)
  expect(await listIds(await openHere(file))).toEqual(['a'])
})

test('a file that cannot be written is refused when it is opened', async () => {
  const file = await makeStore()
  const driver = await watchDriver(sql => {
    if (sql.startsWith('PRAGMA user_version')) throw Object.assign(new Error('readonly'), { errcode: 8 })
  })
  await expect(openHere(file, {}, { driver })).rejects.toMatchObject(failed('cannot be written'))
  expect(await listIds(await openHere(file))).toEqual(['a'])
})

test('a file system that is read-only is reported so', async context => {
  const file = await makeStore()
  const mounted = join(dirname(file), 'mounted')
  mkdirSync(mounted)
  const mount = (...args: string[]): boolean => spawnSync('mount', [...args, mounted]).status === 0
  const isBound = mount('--bind', dirname(file))
  try {
    if (!isBound || !mount('-o', 'remount,bind,ro')) {
      context.skip('a read-only file system cannot be had here')
      return
    }
    await expect(openHere(join(mounted, 'executions.db'))).rejects.toMatchObject(failed('cannot be written'))
  } finally {
    if (isBound) spawnSync('umount', ['-l', mounted])
  }
})

test('a lock file that is invalid is reported by its name', async () => {
  const file = await makeStore()
  writeFileSync(`${file}-lock`, 'garbage'.repeat(1000))
  const refused = 'cannot be locked by `executions.db-lock`: remove it while no server runs'
  await expect(openHere(file)).rejects.toMatchObject({ ...failed(refused), details: { file } })
  rmSync(`${file}-lock`)
  mkdirSync(`${file}-lock`)
  await expect(openHere(file)).rejects.toMatchObject(failed(refused))
  rmSync(`${file}-lock`, { recursive: true })
  expect(await listIds(await openHere(file))).toEqual(['a'])
})

test.each([0, -1])('a version of %i that does not match the content of the file is damage', async version => {
  const file = await makeStore()
  const connection = (await loadDriver()).open(file)
  connection.exec(`PRAGMA user_version = ${version}`)
  connection.close()
  for (const readOnly of [false, true]) {
    await expect(openHere(file, { readOnly })).rejects.toMatchObject(failed(`is damaged: its version, ${version}`))
  }
})

test('a file that the system does not let be opened is reported in plain words', async () => {
  const file = await makeStore()
  const driver = await loadDriver()
  const refusing = { ...driver, open: (path: string) => driver.open(path === file ? `${path}/none` : path) }
  const error = await openHere(file, {}, { driver: refusing }).catch((refusal: Error) => refusal)
  expect(error).toMatchObject(failed('cannot be opened: check the permissions'))
})

test('a backup into a directory that is not there is reported by its name', async () => {
  const file = await makeStore()
  const store = await openHere(file, { readOnly: true })
  const directory = join(dirname(file), 'none')
  await expect(store.backup(join(directory, 'b.db'))).rejects.toMatchObject(
    failed(`there is no directory \`${directory}\``),
  )
})

test.each([
  ['-wal', 'removed', (file: string) => unlinkSync(file)],
  ['-shm', 'removed', (file: string) => unlinkSync(file)],
  ['-wal', 'moved away', (file: string) => renameSync(file, `${file}.old`)],
  [
    '-wal',
    'replaced',
    (file: string) => {
      copyFileSync(file, `${file}.new`)
      renameSync(`${file}.new`, file)
    },
  ],
])(
  'a store whose part %s is %s takes no write from the next look on, which is reported once',
  async (part, how, change) => {
    const file = makePath()
    const clock = new FakeClock()
    const told: string[] = []
    const store = await openHere(file, { clock, logger: { debug: () => {}, warn: message => void told.push(message) } })
    const lease = await begin(store, 'a')
    await store.append(lease, 1, makeEntries('a', 1, 1))
    await clock.run(1000)
    await store.append(lease, 2, makeEntries('a', 2, 1))
    change(`${file}${part}`)
    await clock.run(1000)
    const meaning = `has lost its part \`executions.db${part}\`, which was removed or replaced while it was open`
    await expect(store.append(lease, 3, makeEntries('a', 3, 1))).rejects.toMatchObject({
      ...failed(meaning),
      details: { file },
    })
    await expect(begin(store, 'b')).rejects.toMatchObject(failed(meaning))
    expect(told.filter(message => message.includes('removed or replaced'))).toHaveLength(1)
    await store.close()
    if (how !== 'removed') return
    // The connection still had what it was told is kept.
    const again = await openHere(file)
    expect((await again.read('a', 0, 10)).map(({ seq }) => seq)).toEqual([1, 2])
  },
)
