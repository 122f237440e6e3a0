import { describe, expect, test } from 'vitest'
import { countRuns } from '../language/language-rig.ts'
import { interpretIfSaid } from '../language/reference-interpreter.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { createMemorySharedStore } from '../support/memory-shared-store.ts'
import { forSeeds } from '../support/random-graph.ts'
import { expectPatchedOrders } from './patched-orders.ts'
import { type PlanChaos, type PlanSite, streamInChaos } from './plan-chaos.ts'
import { createPlan, expectPlanned } from './plan-rig.ts'

/** A shared store in memory, whose time stands still until it is moved. */
function createSite(): PlanSite {
  const clock = new FakeClock()
  const store = createMemorySharedStore(clock)
  const pass: PlanSite['pass'] = random => clock.run(random.pick([0, 1, 50, 500]))
  return { store, clock, connect: async () => store.connect(), pass, ttlMs: 3000 }
}

const RUNS = countRuns(5)

const CHAOS: readonly (readonly [name: string, chaos: PlanChaos])[] = [
  ['undisturbed', {}],
  ['undisturbed, with tools that write before the seal', { eager: 'all' }],
  ['whose coordinator is killed after every commit', { commits: [2, 2] }],
  ['whose coordinators are killed after a few commits', { commits: [2, 7], eager: 'all' }],
  ['whose workers are killed', { workerKills: 3 }],
  ['whose coordinators and workers are killed', { commits: [2, 7], workerKills: 3 }],
]

describe.each(CHAOS)('a plan that is written to workers, %s', (_, chaos) => {
  test('ends as its document does, each line once, nothing twice', { timeout: 20_000 * RUNS }, async () => {
    let takeoverCount = 0
    let runCount = 0
    await forSeeds(RUNS, async seed => {
      const made = createPlan(seed)
      const expected = interpretIfSaid(made.document, made)
      if (expected === undefined) return
      const run = await streamInChaos(createSite(), made, seed, chaos)
      expectPlanned(run, expected, made.document.tasks.length)
      takeoverCount += run.takeoverCount
      runCount += 1
    })
    if (runCount >= 4) expect(takeoverCount > 0).toBe(chaos.commits !== undefined)
  })
})

test('tasks that leave a document are never ordered', async () => {
  await expectPatchedOrders(createSite())
})
