import type { KillWorkflow } from '../kill/kill-workflows.ts'
import type { Undisturbed } from '../kill/kill-case.ts'
import { createRandom } from '../support/random-graph.ts'
import type { MachineCase, Strike, Target } from './machine-case.ts'

/** What `npm run test:machines` was asked for. */
export interface LongForm {
  /** Kills of processes, of the database and of Redis. */
  readonly killCount: number
  readonly minutes: number
  /** The number of the first case, from 0: a case depends on the seed and its number alone. */
  readonly firstCase: number
}

/** @returns `undefined` for the short form, that of `npm test` */
export function readLongForm(): LongForm | undefined {
  const { KILLS, MINUTES, CASE } = process.env
  if (KILLS === undefined) return undefined
  return { killCount: Number(KILLS), minutes: Number(MINUTES ?? Infinity), firstCase: Number(CASE ?? 0) }
}

/** What the cases of a long form have in common. */
export interface LongCaseParts {
  readonly seed: number
  /** Struck at every event boundary. */
  readonly struck: readonly KillWorkflow[]
  /** Run beside them. */
  readonly all: readonly KillWorkflow[]
  readonly undisturbed: Undisturbed
  readonly isQueued: boolean
}

const OFTEN: readonly Target[] = ['server', 'worker', 'server', 'worker', 'database', 'connections']
const TARGETS: readonly Target[] = [
  ...OFTEN,
  ...OFTEN,
  ...OFTEN,
  'answers',
  'answers',
  'clients',
  'outage',
  'frozen server',
  'frozen worker',
]
const BY_QUEUE: readonly Target[] = ['redis', 'redis', 'redis', 'redis']

/**
 * One case: four executions at once, three strikes. The first strike of the cases goes through every event boundary of each workflow,
 * for a server and for a worker; then it is at random.
 */
export function createLongCase(
  number: number,
  { seed, struck, all, undisturbed, isQueued }: LongCaseParts,
): MachineCase {
  const random = createRandom(seed + number)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const boundary = findBoundary(number, struck, undisturbed)
  const [first, ...others] = Array.from({ length: 3 }, (_, at): Strike => {
    const target = pick(isQueued ? [...TARGETS, ...BY_QUEUE] : TARGETS)
    const moment = { afterMs: Math.floor(random() * 800) }
    return {
      target,
      index: Math.floor(random() * 60),
      at: at > 0 ? moment : { afterSeq: 1 + Math.floor(random() * 20) },
    }
  }) as [Strike, ...Strike[]]
  const workflows = Array.from({ length: 4 }, () => pick(all))
  const delay = random() < 0.25 ? { delayMs: 1 + Math.floor(random() * 8) } : {}
  if (boundary === undefined) return { workflows, strikes: [first, ...others], ...delay }
  const { workflow, target, afterSeq } = boundary
  const strikes = [{ ...first, target, at: { afterSeq } }, ...others]
  return { workflows: [workflow, ...workflows.slice(1)], strikes, ...delay }
}

/** Boundaries of all workflows in turn, so that a short run strikes each of them. */
function findBoundary(
  number: number,
  struck: readonly KillWorkflow[],
  undisturbed: Undisturbed,
): { workflow: KillWorkflow; target: Target; afterSeq: number } | undefined {
  const workflow = struck[number % struck.length] as KillWorkflow
  const turn = Math.floor(number / struck.length)
  const { eventCount = 0 } = undisturbed.get(workflow.name) ?? {}
  const target = turn % 2 === 0 ? 'server' : 'worker'
  const afterSeq = 1 + Math.floor(turn / 2)
  return afterSeq < eventCount ? { workflow, target, afterSeq } : undefined
}

/** A case as one line. */
export function describeCase({ workflows, ...rest }: MachineCase): string {
  return JSON.stringify({ workflows: workflows.map(({ name }) => name), ...rest })
}
