import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ASKING, createRandomWorkflow, KILL_WORKFLOWS, type KillWorkflow } from '../kill/kill-workflows.ts'
import type { Undisturbed } from '../kill/kill-case.ts'
import { isPostgresMissing } from '../support/postgres.ts'
import { createRandom } from '../support/random-graph.ts'
import { isRedisMissing } from '../support/redis.ts'
import { createLongCase, describeCase, type LongCaseParts, readLongForm } from './long-form.ts'
import { type MachineCase, runCase, runUndisturbed, type Strike, type Target } from './machine-case.ts'
import { System } from './system.ts'

// Two servers, three workers and PostgreSQL, with and without a queue in Redis, killed and cut off. Real processes, real time.

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const random = createRandom(SEED)
const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T

const RANDOM = Array.from({ length: 6 }, (_, at) => createRandomWorkflow(random, `random ${at}`))
/** Takes longer than any strike. */
const LONG: KillWorkflow = {
  name: 'long',
  status: 'success',
  body: {
    workflow: {
      tasks: [
        ...['a', 'b', 'c'].map(id => ({ id, tool: 'work', arguments: { value: id, ms: 5000 } })),
        { id: 'd', tool: 'work', arguments: { value: ['$OUTPUT[a]', '$OUTPUT[b]', '$OUTPUT[c]'] } },
      ],
    },
  },
}
const STRUCK = [...KILL_WORKFLOWS, ASKING]
const WORKFLOWS = [...STRUCK, ...RANDOM, LONG]

const pickSome = (count: number): KillWorkflow[] => Array.from({ length: count }, () => pick(WORKFLOWS))

/** Comes to the same with and without a queue. */
let undisturbed: Undisturbed | undefined

/** Strikes targets at one of the first events, and a moment later. */
function createCase(targets: readonly Target[]): MachineCase {
  const strikes = targets.map((target, at): Strike => {
    const moment = at === 0 ? { afterSeq: 1 + Math.floor(random() * 10) } : { afterMs: Math.floor(random() * 100) }
    return { target, index: Math.floor(random() * 60), at: moment }
  })
  return { workflows: pickSome(4), strikes }
}

describe.skipIf(isPostgresMissing).each([{ isQueued: false }, { isQueued: true }])(
  `machines that are struck, queued: $isQueued (seed ${SEED})`,
  ({ isQueued }) => {
    let system: System

    beforeAll(async () => {
      if (isQueued && isRedisMissing) return
      system = await System.start({ isQueued })
      undisturbed ??= await runUndisturbed(system, WORKFLOWS)
    }, 120_000)

    afterAll(() => system?.close())

    const struck: readonly Target[][] = isQueued
      ? [['redis', 'worker']]
      : [['server'], ['worker'], ['connections', 'answers', 'clients']]
    test.skipIf(isQueued && isRedisMissing).each(struck)(
      'executions come to the same when these are struck: %s %s %s',
      async (...targets) => {
        expect(await runCase(system, createCase(targets), undisturbed as Undisturbed)).toEqual([])
      },
    )

    test.skipIf(isQueued).each<[string, Target]>([
      ['the database is away for longer than a lease; no attempt counts as lost', 'outage'],
      ['a worker hangs for longer than its lease; its late outcomes are refused', 'frozen worker'],
    ])('executions come to the same when %s', async (_, target) => {
      const strikes = [{ target, index: 1, at: { afterSeq: 4 } }]
      expect(await runCase(system, { strikes, workflows: [LONG, ...pickSome(2)] }, undisturbed as Undisturbed)).toEqual(
        [],
      )
    })

    const long = readLongForm()
    if (long === undefined || (isQueued && isRedisMissing)) return
    // Half of it each.
    const [maxKills, maxMs] = [long.killCount / 2, long.minutes * 30_000]

    test(`executions come to the same after ${maxKills} kills`, { timeout: 6 * 3_600_000 }, async () => {
      const faults: string[] = []
      const until = Date.now() + maxMs
      const outcomes = undisturbed as Undisturbed
      const parts: LongCaseParts = { seed: SEED, struck: STRUCK, all: WORKFLOWS, undisturbed: outcomes, isQueued }
      const before = system.killCount
      let caseCount = 0
      const sum = (): string =>
        `${caseCount} cases, ${system.killCount - before} kills, ${faults.length} faulty (seed ${SEED}, queued: ${isQueued})`
      for (let number = long.firstCase; system.killCount - before < maxKills && Date.now() < until; number++) {
        const machineCase = createLongCase(number, parts)
        const found = await runCase(system, machineCase, outcomes).catch((error: unknown) => [String(error)])
        caseCount += 1
        if (found.length > 0) {
          faults.push(`Case ${number} of seed ${SEED}: ${describeCase(machineCase)}\n${found.join('\n')}`)
          console.log(faults.at(-1))
        }
        if (caseCount % 10 === 0) console.log(sum())
      }
      console.log(`Total: ${sum()}`)
      expect(faults).toEqual([])
    })
  },
)
