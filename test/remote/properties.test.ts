import { describe, expect, test } from 'vitest'
import type { SSEEvent } from '../../src/index.ts'
import { expectAgreement } from '../language/agreement.ts'
import { countRuns, SETTINGS } from '../language/language-rig.ts'
import { createRandomDocument } from '../language/random-language-document.ts'
import type { Outcome } from '../language/outcome.ts'
import { interpretIfSaid } from '../language/reference-interpreter.ts'
import { forSeeds } from '../support/random-graph.ts'
import { type Chaos, type ChaosRun, runInChaos } from './chaos-rig.ts'

/** What holds whatever happens. */
function expectConsistent({ events, seqs, result, calls, lateCalls }: ChaosRun): void {
  expect(seqs).toEqual(seqs.map((_, at) => at + 1))
  const ends = events.flatMap(({ type, data }) => (type === 'task_complete' ? [data.taskId] : []))
  expect([ends.length, new Set(ends).size]).toEqual([result.totalTasks, result.totalTasks])
  expect(lateCalls).toEqual([])
  // An attempt is called at most once: a call whose worker is lost is followed by another attempt.
  expect(new Set(calls).size).toBe(calls.length)
  const recorded = { totalTokensIn: 0, totalTokensOut: 0 }
  for (const { type, data } of events) {
    if (type !== 'token_usage') continue
    recorded.totalTokensIn += data.tokenUsage.totalTokensIn
    recorded.totalTokensOut += data.tokenUsage.totalTokensOut
  }
  expect(result.tokenUsage ?? { totalTokensIn: 0, totalTokensOut: 0 }).toEqual(recorded)
}

function findInterruptions({ events }: ChaosRun): readonly SSEEvent[] {
  return events.filter(({ type, data }) => type === 'task_retry' && 'interrupted' in data)
}

/** What holds as long as no worker is lost. */
function expectUndisturbed(run: ChaosRun): void {
  const { calls, result } = run
  expect(findInterruptions(run)).toEqual([])
  const { totalTokensIn = 0, totalTokensOut = 0 } = result.tokenUsage ?? {}
  expect(totalTokensIn).toBe(calls.length)
  // A call that is cancelled at its question reports no more.
  expect(totalTokensOut).toBeLessThanOrEqual(calls.length)
  expect(totalTokensOut).toBeGreaterThanOrEqual(calls.length - result.cancelledCount)
}

/** Whether more items of a task fail than it tolerates. */
function isCutShort(outcomes: readonly Outcome[]): boolean {
  return outcomes.some(({ exceeded, children }) => exceeded !== undefined || isCutShort(children))
}

const CHAOS: readonly (readonly [name: string, chaos: Chaos])[] = [
  ['undisturbed', {}],
  ['whose coordinator is killed after every commit', { commits: [2, 2] }],
  ['whose coordinators are killed after a few commits, on a bad network', { commits: [2, 6], isNetworkBad: true }],
  ['whose workers are killed', { workerKills: 3 }],
  ['that asks people while coordinators are killed', { commits: [2, 5], askShare: 0.4 }],
  [
    'whose coordinators and workers are killed on a bad network',
    { commits: [2, 6], workerKills: 3, isNetworkBad: true, askShare: 0.2 },
  ],
]

const BOTH = CHAOS.flatMap(([name, chaos]) =>
  [false, true].map(isPlain => [isPlain ? `${name}, without the language` : name, chaos, isPlain] as const),
)

describe.each(BOTH)('a random document on workers, %s', (_, chaos, isPlain) => {
  test('has the outcomes of the reference, each attempt once, and exact sums', async () => {
    const totals = { runs: 0, takeovers: 0, interruptions: 0 }
    await forSeeds(countRuns(10), async seed => {
      const made = createRandomDocument(seed, isPlain)
      const expected = interpretIfSaid(made.document, made)
      if (expected === undefined) return
      const run = await runInChaos(made, seed, SETTINGS[seed % SETTINGS.length] ?? {}, chaos)
      totals.runs += 1
      totals.takeovers += run.takeoverCount
      totals.interruptions += findInterruptions(run).length
      expectConsistent(run)
      // Which items a failure cuts short, and where, depends on time.
      if (!isCutShort(expected.tasks))
        expectAgreement(expected, { events: run.events, result: run.result, isWhole: false })
      if (chaos.workerKills === undefined) expectUndisturbed(run)
    })
    // The chaos does strike, if there are enough runs for chance.
    if (totals.runs < 40) return
    expect(totals.takeovers > 0).toBe(chaos.commits !== undefined)
    expect(totals.interruptions > 0).toBe(chaos.workerKills !== undefined)
  })
})
