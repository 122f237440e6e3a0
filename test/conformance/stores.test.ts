import { describe, test } from 'vitest'
import type { ExecutionStore } from '../../src/store/execution-store.ts'
import { createMemoryStore } from '../../src/store/memory-store.ts'
import { testStore } from '../../src/testing/store-conformance.ts'
import type { SqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { openHere, makePath } from '../store/sqlite-rig.ts'
import { answerLater } from './later-store.ts'

describe('the memory store', () => {
  for (const { name, run } of testStore(() => createMemoryStore())) test(name, run)
})

describe('a store that answers later', () => {
  for (const { name, run } of testStore(() => answerLater(createMemoryStore()))) test(name, run)
})

describe.each(['normal', 'full'] as const)('an SQLite store of durability %s', durability => {
  let file: string
  const open = (): Promise<SqliteStore> => openHere(file, { durability })
  const create = (): Promise<SqliteStore> => {
    file = makePath()
    return open()
  }
  const reopen = async (store: ExecutionStore): Promise<ExecutionStore> => {
    await (store as SqliteStore).close()
    return open()
  }
  for (const { name, run } of testStore(create, { reopen })) test(name, run)
})

describe('one store for all cases, at once', () => {
  test.each([
    ['in memory', (): ExecutionStore => createMemoryStore()],
    ['in SQLite', (): Promise<ExecutionStore> => openHere()],
  ])('%s', async (_, open) => {
    const store = await open()
    await Promise.all(testStore(() => store).map(({ run }) => run()))
  })
})
