import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRandomWorkflow, KILL_WORKFLOWS, type KillWorkflow } from '../kill/kill-workflows.ts'
import type { Undisturbed } from '../kill/kill-case.ts'
import { isPostgresMissing } from '../support/postgres.ts'
import { createRandom } from '../support/random-graph.ts'
import { type MachineCase, runCase, runUndisturbed, type Strike, type Target } from './machine-case.ts'
import { System } from './system.ts'

// Two servers, three workers and PostgreSQL, killed and cut off. Real processes, real time.

/** In the long form: kills of processes and of the database. */
const KILLS = Number(process.env['KILLS'] ?? 0)
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

const WORKFLOWS = [...KILL_WORKFLOWS, ...RANDOM, LONG]
const OFTEN: readonly Target[] = ['server', 'worker', 'server', 'worker', 'database', 'connections']
const TARGETS: readonly Target[] = [...OFTEN, ...OFTEN, ...OFTEN, 'outage', 'frozen server', 'frozen worker']

let system: System
let undisturbed: Undisturbed

beforeAll(async () => {
  if (isPostgresMissing) return
  system = await System.start()
  undisturbed = await runUndisturbed(system, WORKFLOWS)
}, 120_000)

afterAll(() => system?.close())

function createCase(targets: readonly Target[], workflows: readonly KillWorkflow[]): MachineCase {
  const eventCount = undisturbed.get(workflows[0]?.name ?? '')?.eventCount ?? 2
  const strikes = targets.map((target, at): Strike => {
    const boundary = { afterSeq: 1 + Math.floor(random() * Math.min(eventCount - 1, 20)) }
    return {
      target,
      index: Math.floor(random() * 60),
      at: at === 0 ? boundary : { afterMs: Math.floor(random() * 800) },
    }
  })
  return { workflows, strikes, ...(random() < 0.25 && { delayMs: 1 + Math.floor(random() * 8) }) }
}

const pickSome = (count: number): KillWorkflow[] => Array.from({ length: count }, () => pick(WORKFLOWS))

describe.skipIf(isPostgresMissing)(`machines that are struck (seed ${SEED})`, () => {
  test.each<[string, Target]>([
    ['a server is killed', 'server'],
    ['a worker is killed', 'worker'],
    ['connections drop', 'connections'],
  ])('executions come to the same when %s', async (_, target) => {
    expect(await runCase(system, createCase([target], pickSome(4)), undisturbed)).toEqual([])
  })

  test.each<[string, Target]>([
    ['the database is away for longer than a lease; no attempt counts as lost', 'outage'],
    ['a worker hangs for longer than its lease; its late outcomes are refused', 'frozen worker'],
  ])('executions come to the same when %s', async (_, target) => {
    const strikes = [{ target, index: 1, at: { afterSeq: 4 } }]
    expect(await runCase(system, { strikes, workflows: [LONG, ...pickSome(2)] }, undisturbed)).toEqual([])
  })

  async function strikeOften(): Promise<void> {
    const faults: string[] = []
    const until = process.env['MINUTES'] === undefined ? Infinity : Date.now() + Number(process.env['MINUTES']) * 60_000
    let caseCount = 0
    // Every event boundary of every workflow, one after the other, then at random.
    const boundaries = KILL_WORKFLOWS.flatMap(workflow => {
      const { eventCount = 0 } = undisturbed.get(workflow.name) ?? {}
      return Array.from({ length: eventCount }, (_, at) => ({ workflow, afterSeq: at + 1 }))
    }).sort(() => random() - 0.5)
    while (system.killCount < KILLS && Date.now() < until) {
      const targets = Array.from({ length: 3 }, () => pick(TARGETS))
      const boundary = boundaries.pop()
      const some = createCase(targets, boundary === undefined ? pickSome(4) : [boundary.workflow, ...pickSome(3)])
      const [first, ...others] = some.strikes as [Strike, ...Strike[]]
      const { afterSeq } = boundary ?? (first.at as { afterSeq: number })
      const machineCase = { ...some, strikes: [{ ...first, at: { afterSeq } }, ...others] }
      const found = await runCase(system, machineCase, undisturbed)
      caseCount += 1
      const told = JSON.stringify({ ...machineCase, workflows: machineCase.workflows.map(({ name }) => name) })
      if (found.length > 0) {
        faults.push(`${told}\n${found.join('\n')}`)
        console.log(faults.at(-1))
      }
      if (caseCount % 10 === 0) console.log(`${caseCount} cases, ${system.killCount} kills, ${faults.length} faulty`)
    }
    console.log(`${caseCount} cases, ${system.killCount} kills, ${faults.length} faulty`)
    expect(faults).toEqual([])
  }

  if (KILLS > 0) test(`executions come to the same after ${KILLS} kills`, { timeout: 6 * 3_600_000 }, strikeOften)
})
