import { describe, expect, test } from 'vitest'
import { coordinate, join, LONG_MS, namesOf } from '../../src/testing/shared-fixtures.ts'
import { isPostgresMissing } from '../support/postgres.ts'
import { openHere } from './postgres-rig.ts'

const wait = (): Promise<void> => Promise.resolve()

describe.skipIf(isPostgresMissing)('with 20,000 waiting orders of one owner', () => {
  test('the one order of another is taken next, whatever bounds the tool', { timeout: 120_000 }, async () => {
    const store = await openHere()
    const rig = { store, wait }
    const [plain, limited] = [{ name: 'plain' }, { name: 'limited', limit: 50, rate: { max: 1000, perMs: 1000 } }]
    const worker = await join(rig, [plain, limited])
    const large = await coordinate(rig, { owner: 'large' })
    for (const tool of ['plain', 'limited']) {
      for (let at = 0; at < 10_000; at += 1000) {
        await large.order(
          tool,
          Array.from({ length: 1000 }, (_, each) => `${tool}${at + each}`),
        )
      }
    }
    expect(await store.orders.take(worker, 8, LONG_MS)).toHaveLength(8)
    const small = await coordinate(rig, { owner: 'small' })
    // One place is free: it is that owner's. The next one is again the first owner's.
    for (const tool of ['plain', 'limited']) {
      await small.order(tool, [`one-${tool}`])
      expect(namesOf(await store.orders.take(worker, 1, LONG_MS))).toEqual([`one-${tool}`])
      expect(namesOf(await store.orders.take(worker, 1, LONG_MS))[0]).toMatch(/^(?:plain|limited)\d/)
    }
    await small.order('plain', ['first', 'second'])
    // Of two places one is the other owner's.
    const taken = namesOf(await store.orders.take(worker, 2, LONG_MS))
    expect(taken.filter(name => ['first', 'second'].includes(name))).toHaveLength(1)
    // The first owner has more than that already, the other one three.
    await store.members.limitOwners(4)
    expect(namesOf(await store.orders.take(worker, 5, LONG_MS))).toEqual(['second'])
  })
})
