import { describe, expect, test } from 'vitest'
import type { ExecutionStore, StoredExecution } from '../../src/store/execution-store.ts'
import { createMemoryStore } from '../../src/store/memory-store.ts'
import { storeConformance } from '../../src/testing/store-conformance.ts'
import { openHere } from '../store/sqlite-rig.ts'
import { answerLater } from './later-store.ts'

describe('the memory store', () => {
  for (const { name, run } of storeConformance(() => createMemoryStore())) test(name, run)
})

describe('a store that answers later', () => {
  for (const { name, run } of storeConformance(() => answerLater(createMemoryStore()))) test(name, run)
})

describe.each(['normal', 'full'] as const)('an SQLite store of durability %s', durability => {
  for (const { name, run } of storeConformance(() => openHere(undefined, { durability }))) test(name, run)
})

describe('one store for all cases, at once', () => {
  test.each([
    ['in memory', (): ExecutionStore => createMemoryStore()],
    ['in SQLite', (): Promise<ExecutionStore> => openHere()],
  ])('%s', async (_, open) => {
    const store = await open()
    await Promise.all(storeConformance(() => store).map(({ run }) => run()))
  })
})

/** Stores with one fault each, and the cases that must find it. */
const FAULTS: readonly [
  fault: string,
  breakStore: (store: ExecutionStore) => Partial<ExecutionStore>,
  found: string[],
][] = [
  [
    'reads one entry too many',
    store => ({ read: (id, after, limit) => store.read(id, after, limit + 1) }),
    ['appended entries are read in order, in pages, from any place'],
  ],
  [
    'takes all owners for one',
    store => ({ create: record => store.create({ ...record, owner: 'anybody' }) }),
    ['an owner and idempotency key have one execution', 'an execution is got as it was created, and runs'],
  ],
  [
    'has leases that never lapse',
    store => ({
      append: async (lease, first, entries) => store.append(await store.claim(lease.executionId), first, entries),
    }),
    ['a claim takes the right to append from earlier leases', 'of two claims at once one lease appends'],
  ],
  [
    'appends half of a batch that it refuses',
    store => ({
      async append(lease, first, entries) {
        try {
          await store.append(lease, first, entries)
        } catch (error) {
          const next = (await store.read(lease.executionId, 0, 1000)).length + 1
          await store.append(
            lease,
            next,
            entries.slice(0, 1).map(entry => Object.assign(entry, { seq: next })),
          )
          throw error
        }
      },
    }),
    ['an append that does not follow is refused whole'],
  ],
  [
    'parses and writes the JSON anew',
    store => ({
      async read(id, after, limit) {
        const entries = await store.read(id, after, limit)
        return entries.map(({ seq, type, json }) => ({ seq, type, json: JSON.stringify(JSON.parse(json)) }))
      },
    }),
    ['the JSON of an entry comes back to the byte'],
  ],
  [
    'keeps the outputs of what it deletes',
    store => {
      const outputs = new Map<string, string>()
      return {
        putOutput: async (lease, taskId, json) => {
          await store.putOutput(lease, taskId, json)
          outputs.set(`${lease.executionId} ${taskId}`, json)
        },
        getOutput: (id, taskId) => outputs.get(`${id} ${taskId}`),
      }
    },
    ['a deleted execution is gone whole, its id and key are free'],
  ],
  [
    'shows nothing of what is parked',
    store => ({
      async get(id) {
        const { parked: _, ...found } = { ...(await store.get(id)) }
        return 'executionId' in found ? (found as StoredExecution) : undefined
      },
    }),
    ['an execution is shown as parked or stopping by the entries of its log'],
  ],
  [
    'tells what runs here as interrupted',
    store => ({ interrupted: () => store.list({ limit: 1000 }) }),
    ['what has ended, or is claimed here, is not interrupted'],
  ],
  [
    'lists newest first',
    store => ({ list: async options => (await store.list(options)).toReversed() }),
    ['executions are listed oldest first, by owner, in pages'],
  ],
  ['sweeps what runs', store => ({ sweep: () => Promise.resolve(Number(store) || -1) }), ['a sweep leaves what runs']],
]

describe('the suite finds a store that', () => {
  for (const [fault, breakStore, expected] of FAULTS) {
    test(fault, async () => {
      const cases = storeConformance(() => {
        const store = createMemoryStore()
        return { ...store, ...breakStore(store) }
      })
      const found: string[] = []
      for (const { name, run } of cases) await run().catch(() => found.push(name))
      expect(found).toEqual(expect.arrayContaining(expected))
    })
  }

  test('names the expected and the found value', async () => {
    const store = createMemoryStore()
    const cases = storeConformance(() => ({ ...store, claim: id => ({ executionId: id, epoch: 1 }) }))
    const messages: string[] = []
    for (const { run } of cases) await run().catch((error: Error) => messages.push(error.message))
    expect(messages).toContain('different epochs of 3 claim() at once: expected 3, found 1')
  })
})
