import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { countRuns } from '../language/language-rig.ts'
import { interpretIfSaid } from '../language/reference-interpreter.ts'
import { openHere } from '../store/postgres-rig.ts'
import { createDatabase, execute, isPostgresMissing } from '../support/postgres.ts'
import { forSeeds } from '../support/random-graph.ts'
import { type PlanChaos, type PlanSite, streamInChaos } from './plan-chaos.ts'
import { expectPatchedOrders } from './patched-orders.ts'
import { createPlan, expectPlanned } from './plan-rig.ts'

const RUNS = countRuns(1)

/** A database of its own, in real time. */
async function createSite(): Promise<{ site: PlanSite; url: string }> {
  const url = await createDatabase()
  const store = await openHere(url)
  const pass: PlanSite['pass'] = random => sleep(random.pick([1, 10, 40]))
  return { url, site: { store, clock: systemClock, connect: () => openHere(url), pass, ttlMs: 1500 } }
}

const CHAOS: readonly (readonly [name: string, chaos: PlanChaos])[] = [
  ['whose coordinators are killed', { commits: [2, 8] }],
  ['whose coordinators and workers are killed', { commits: [3, 9], workerKills: 2, eager: 'all' }],
]

describe.skipIf(isPostgresMissing).each(CHAOS)('a plan that is written to PostgreSQL, %s', (_, chaos) => {
  test('ends as its document does, and leaves no order or message', { timeout: 120_000 * RUNS }, async () => {
    await forSeeds(RUNS, async seed => {
      const made = createPlan(seed)
      const expected = interpretIfSaid(made.document, made)
      if (expected === undefined) return
      const { site, url } = await createSite()
      expectPlanned(await streamInChaos(site, made, seed, chaos), expected, made.document.tasks.length)
      const [left] = await execute(
        url,
        'SELECT (SELECT count(*) FROM dagstream.orders)::int AS orders, (SELECT count(*) FROM dagstream.inbox)::int AS messages',
      )
      expect(left).toEqual({ orders: 0, messages: 0 })
    })
  })
})

test.skipIf(isPostgresMissing)(
  'tasks that leave a document in PostgreSQL are never ordered',
  { timeout: 60_000 },
  async () => {
    await expectPatchedOrders((await createSite()).site)
  },
)
