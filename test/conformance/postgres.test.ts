import { beforeAll, describe, expect, test } from 'vitest'
import type { SharedStore } from '../../src/cluster/shared-store.ts'
import type { ExecutionStore } from '../../src/store/execution-store.ts'
import type { PostgresStore } from '../../src/store/postgres/index.ts'
import { testDispatcher, testSharedStore } from '../../src/testing/shared-conformance.ts'
import { testStore } from '../../src/testing/store-conformance.ts'
import { createDatabase, execute, isPostgresMissing, letPass } from '../support/postgres.ts'
import { openHere } from '../store/postgres-rig.ts'
import { expectHints } from './hints.ts'

function bound(part: object, method: string | symbol): unknown {
  return (Reflect.get(part, method) as (...values: unknown[]) => unknown).bind(part)
}

describe.skipIf(isPostgresMissing)('a shared store in PostgreSQL', () => {
  let url: string
  const create = async (): Promise<SharedStore> => openHere((url = await createDatabase()))
  const wait = (ms: number): Promise<void> => letPass(url, ms)

  beforeAll(async () => {
    // Within the duration of a lease after its start a database lets none expire.
    const age = 'extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())'
    await execute(await createDatabase(), `SELECT pg_sleep(greatest(0, 3.1 - ${age}))`)
  })

  for (const { name, run } of [...testSharedStore(create, { wait }), ...testDispatcher(create, { wait })])
    test(name, run)

  test('hints come for entries, messages, orders, cancellations and replies', async () => {
    await expectHints({ store: await create(), wait })
  })

  test('two processes on one database serve all cases in turn', async () => {
    url = await createDatabase()
    const stores = [await openHere(url), await openHere(url)] as const
    let calls = 0
    const next = (): PostgresStore => stores[calls++ % 2 === 0 ? 0 : 1]
    const parts = (name: 'orders' | 'inbox' | 'leases' | 'members'): object =>
      new Proxy({}, { get: (_, method) => bound(next()[name], method) })
    const turning = {
      ...stores[0],
      orders: parts('orders'),
      inbox: parts('inbox'),
      leases: parts('leases'),
      members: parts('members'),
      exchange: (...given) => (next().exchange as NonNullable<SharedStore['exchange']>)(...given),
    } as SharedStore
    for (const { run } of [...testSharedStore(() => turning, { wait }), ...testDispatcher(() => turning, { wait })])
      await run()
    expect(calls).toBeGreaterThan(100)
  })
})

describe.skipIf(isPostgresMissing)('a store in PostgreSQL', () => {
  let url: string
  const create = async (): Promise<PostgresStore> => openHere((url = await createDatabase()))
  const reopen = async (store: ExecutionStore): Promise<ExecutionStore> => {
    await (store as PostgresStore).close()
    return openHere(url)
  }
  for (const { name, run } of testStore(create, { reopen })) test(name, run)

  test('one store for all cases, at once', async () => {
    const store = await openHere()
    // One case forgets the remembered outputs of all others.
    const cases = testStore(() => store).filter(({ name }) => !name.includes('remembered'))
    const outcomes = await Promise.allSettled(cases.map(({ run }) => run()))
    expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([])
  })

  test('two stores on one database take turns within one case', async () => {
    const url = await createDatabase()
    const stores = [await openHere(url), await openHere(url)]
    let calls = 0
    // `interrupted` alone is a matter of one process: what another holds is not interrupted either.
    const turning = new Proxy(stores[0] as (typeof stores)[0], {
      get: (_, name) => Reflect.get(stores[calls++ % 2] as object, name) as unknown,
    })
    for (const { run } of testStore(() => turning)) await run()
    expect(calls).toBeGreaterThan(100)
  })
})
