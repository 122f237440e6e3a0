import { describe, expect, test } from 'vitest'
import { storeConformance } from '../../src/testing/store-conformance.ts'
import { createDatabase, isPostgresMissing } from '../support/postgres.ts'
import { openHere } from '../store/postgres-rig.ts'

describe.skipIf(isPostgresMissing)('a store in PostgreSQL', () => {
  for (const { name, run } of storeConformance(() => openHere())) test(name, run)

  test('one store for all cases, at once', async () => {
    const store = await openHere()
    // One case forgets the remembered outputs of all others.
    const cases = storeConformance(() => store).filter(({ name }) => !name.includes('remembered'))
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
    for (const { run } of storeConformance(() => turning)) await run()
    expect(calls).toBeGreaterThan(100)
  })
})
