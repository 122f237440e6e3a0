import { expect, test } from 'vitest'
import { MIGRATIONS } from '../../src/store/sqlite/schema.ts'
import { makeEntries } from '../../src/testing/store-fixtures.ts'
import { loadDriver } from '../../src/store/sqlite/driver.ts'
import { begin, makePath, openHere, readSeqs, upTo } from './sqlite-rig.ts'
import { StoreChild } from './store-child.ts'

// Real processes, killed by SIGKILL.

const SEED = Number(process.env['SEED'] ?? 1)
const KILLS = Number(process.env['KILLS'] ?? 8)

/** A row of pseudo-random numbers from 0 to 1. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

test.each(['normal', 'full'])(
  `acknowledged writes survive SIGKILL, without a gap, with durability %s (seed ${SEED})`,
  async durability => {
    const random = createRandom(SEED)
    const file = makePath()
    const acknowledged = new Map<string, number>()
    for (let kill = 0; kill < KILLS; kill++) {
      const child = new StoreChild('append', [file, durability])
      // Each of its three executions has something acknowledged by then.
      await child.hasTold(3 + Math.floor(random() * 200))
      await child.kill()
      for (const [id, seq] of child.told as readonly [string, number][]) acknowledged.set(id, seq)
    }
    const store = await openHere(file)
    expect(acknowledged.size).toBe(3 * KILLS)
    for (const [id, seq] of acknowledged) {
      const seqs = await readSeqs(store, id)
      expect(seqs).toEqual(upTo(seqs.length))
      expect(seqs.length).toBeGreaterThanOrEqual(seq)
      // A batch is there whole or not at all.
      expect(seqs.length % 3).toBe(0)
      expect(Number(await store.getOutput(id, 'task'))).toBeGreaterThanOrEqual(seq - 2)
    }
    const interrupted = (await store.interrupted?.())?.map(({ executionId }) => executionId).sort()
    expect(interrupted).toEqual([...acknowledged.keys()].sort())
  },
  60_000,
)

test('an execution that is resumed after a crash is no longer interrupted, and continues', async () => {
  const file = makePath()
  const child = new StoreChild('hold', [file])
  await child.hasTold(1)
  child.process.stdin?.write('append\n')
  await child.hasTold(2)
  await child.kill()
  const store = await openHere(file)
  expect((await store.interrupted?.())?.map(({ executionId }) => executionId)).toEqual(['held'])
  const lease = await store.claim('held')
  expect([lease.epoch, await store.interrupted?.()]).toEqual([2, []])
  await store.append(lease, 2, makeEntries('held', 2, 1))
  expect(await readSeqs(store, 'held')).toEqual([1, 2])
})

test('a file has one store at a time, across processes; others read beside it', async () => {
  const file = makePath()
  const child = new StoreChild('hold', [file])
  await child.hasTold(1)
  const inUse = { code: 'STORE_IN_USE', details: { file }, message: expect.stringContaining('`readOnly`') }
  await expect(openHere(file)).rejects.toMatchObject(inUse)
  const reader = await openHere(file, { readOnly: true })
  expect(await reader.get('held')).toMatchObject({ executionId: 'held', status: 'running' })
  expect(await readSeqs(reader, 'held')).toEqual([])
  child.process.stdin?.write('append\n')
  await child.hasTold(2)
  expect(await readSeqs(reader, 'held')).toEqual([1])
  await expect(openHere(file)).rejects.toMatchObject(inUse)
  await child.kill()
  const store = await openHere(file)
  expect([await readSeqs(store, 'held'), await readSeqs(reader, 'held')]).toEqual([[1], [1]])
})

test.each([
  ['an older version', MIGRATIONS.length],
  ['a new file', 0],
])(
  'a migration of %s that is killed at any statement leaves one version or the next',
  async (_, oldest) => {
    const file = makePath()
    if (oldest > 0) {
      const store = await openHere(file)
      await begin(store, 'kept')
      await store.close()
    }
    const newest = MIGRATIONS.length
    const { open } = await loadDriver()
    const versions: number[] = []
    let count = Number.POSITIVE_INFINITY
    for (let killAt = 1; killAt <= count; killAt++) {
      const child = new StoreChild('migrate', [file, String(killAt)])
      await child.end()
      if (child.told.length > 0) count = child.told[0] as number
      const connection = open(file)
      const ask = (sql: string): unknown => Object.values(connection.query(sql)()[0] ?? {})[0]
      const countOf = (table: string): unknown => ask(`SELECT count(*) FROM sqlite_schema WHERE name LIKE '${table}'`)
      const version = ask('PRAGMA user_version') as number
      versions.push(version)
      expect([countOf('executions'), countOf('removals')]).toEqual(version > 0 ? [1, 1] : [0, 0])
      expect([countOf('extra_1'), countOf('extra_2')]).toEqual([version > newest ? 1 : 0, version > newest + 1 ? 1 : 0])
      for (let extra = 1; extra <= version - newest; extra++)
        expect(ask(`SELECT count(*) FROM extra_${extra}`)).toBe(2000)
      expect(ask('PRAGMA integrity_check')).toBe('ok')
      if (oldest > 0) expect(ask('SELECT id FROM executions')).toBe('kept')
      connection.close()
    }
    expect([versions[0], versions.at(-1)]).toEqual([oldest, newest + 2])
    expect(versions).toEqual(versions.toSorted((a, b) => a - b))
  },
  60_000,
)
