import pLimit from 'p-limit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRandom } from '../support/random-graph.ts'
import { type KillCase, type Outcome, runCase, runUndisturbed, type Undisturbed } from './kill-case.ts'
import { createRandomWorkflow, KILL_WORKFLOWS, type KillWorkflow } from './kill-workflows.ts'
import { expectProgram, killAll } from './life.ts'

// Real servers, killed by SIGKILL. `npm run test:kill` runs all of it, at least `KILLS` kills; otherwise a few are chosen.

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const KILLS = Number(process.env['KILLS'] ?? 0)
const IS_LONG = KILLS > 0

/** Servers at a time: most of a case is waiting. */
const AT_ONCE = 3

/** Kills at event boundaries of each workflow, and cases of random moments, in the short form. */
const BOUNDARIES = 1
const RANDOM_CASES = 4

const random = createRandom(SEED)
const below = (limit: number): number => Math.floor(random() * limit)

const limit = pLimit(AT_ONCE)

const RANDOM = 'random moments'

let undisturbed: Undisturbed
/** By the name of their workflow. */
const cases = new Map<string, readonly KillCase[]>()
const outcomes = new Map<string, readonly Outcome[]>()

beforeAll(async () => {
  expectProgram()
  const created = Array.from({ length: 4 }, (_, at) => createRandomWorkflow(random, `random ${at}`))
  undisturbed = await runUndisturbed([...KILL_WORKFLOWS, ...created])
  for (const workflow of KILL_WORKFLOWS) cases.set(workflow.name, boundaryCases(workflow))
  const killCount = [...cases.values()].flat().reduce((sum, { strikes }) => sum + strikes.length, 0)
  const length = IS_LONG ? Math.max(40, KILLS - killCount) : RANDOM_CASES
  cases.set(
    RANDOM,
    Array.from({ length }, () => randomCase([...KILL_WORKFLOWS, ...created])),
  )
}, 60_000)

afterAll(() => {
  killAll()
  if (IS_LONG) console.log(renderTable())
})

const TIMEOUT_MS = IS_LONG ? 1_800_000 : 120_000

describe(`seed ${SEED}`, { concurrent: true, timeout: TIMEOUT_MS }, () => {
  test.each(KILL_WORKFLOWS)('killed at its event boundaries, $name gives the same result', async ({ name }) => {
    expect(await runAll(name)).toEqual([])
  })

  test('killed at random moments, also while the server starts, several executions give the same results', async () => {
    expect(await runAll(RANDOM)).toEqual([])
  })
})

/** Each boundary once; of some, the next one too, so that two processes in a row end within one execution. */
function boundaryCases(workflow: KillWorkflow): KillCase[] {
  const { eventCount } = undisturbed.get(workflow.name) as { eventCount: number }
  const seqs = IS_LONG
    ? Array.from({ length: eventCount + 1 }, (_, seq) => seq)
    : Array.from({ length: BOUNDARIES }, () => below(eventCount + 1))
  const cases = seqs.map((afterSeq): KillCase => {
    const second = random() < 0.3 ? [{ afterSeq: afterSeq + 1 + below(4) }] : []
    return { workflows: [workflow], strikes: [{ afterSeq }, ...second] }
  })
  if (workflow.cancelAt !== undefined) cases.push({ workflows: [workflow], strikes: [{ afterCancel: true }] })
  return cases
}

function randomCase(from: readonly KillWorkflow[]): KillCase {
  const workflows = Array.from({ length: 3 }, () => from[below(from.length)] as KillWorkflow)
  const strikes = [{ afterMs: below(200) }]
  // Two processes in a row may end while it runs: a third would park it.
  if (random() < 0.5) return { workflows, strikes: [...strikes, { afterMs: below(150) }] }
  return { workflows, strikes, killsAtStart: [below(400)] }
}

/** @returns what was wrong, each with the case it was wrong in */
async function runAll(name: string): Promise<readonly string[]> {
  const done: Outcome[] = []
  const run = async (each: KillCase): Promise<string[]> => {
    const { workflows, ...moments } = each
    const told = `${workflows.map(workflow => workflow.name).join(' + ')} ${JSON.stringify(moments)}`
    try {
      const outcome = await runCase(each, undisturbed)
      done.push(outcome)
      return outcome.faults.map(fault => `${told}: ${fault}`)
    } catch (error) {
      return [`${told}: ${error instanceof Error ? error.message : String(error)}`]
    }
  }
  const faults = await limit.map(cases.get(name) ?? [], run)
  outcomes.set(name, done)
  return faults.flat()
}

/** What came of all cases by workflow, as a Markdown table. */
function renderTable(): string {
  const line = (name: string, of: readonly Outcome[]): string => {
    const sum = (count: (outcome: Outcome) => number): number => of.reduce((total, each) => total + count(each), 0)
    const counts = [
      of.length,
      sum(each => each.killCount),
      sum(each => each.eventCount),
      sum(each => each.callCount),
      sum(each => each.cutCount),
      sum(each => each.faults.length),
    ]
    return `| ${[name.padEnd(18), ...counts.map(count => String(count).padStart(6))].join(' | ')} |`
  }
  return [
    `Seed ${SEED}`,
    '| workflow           |  cases |  kills | events |  calls |    cut | faults |',
    '| ------------------ | -----: | -----: | -----: | -----: | -----: | -----: |',
    ...Array.from(outcomes, ([name, of]) => line(name, of)),
    line('all', [...outcomes.values()].flat()),
  ].join('\n')
}
