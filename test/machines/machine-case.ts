import { setTimeout as wait } from 'node:timers/promises'
import { findFaults } from '../kill/checks.ts'
import type { KillWorkflow } from '../kill/kill-workflows.ts'
import type { Undisturbed } from '../kill/kill-case.ts'
import { readOutcome } from '../kill/outcome.ts'
import { Client, type Place } from './client.ts'
import type { Machine } from './machine.ts'
import { LEASE_MS, type System } from './system.ts'

/** What is struck. */
export type Target =
  | 'server'
  | 'worker'
  | 'database'
  /** The database is away for longer than a lease. */
  | 'outage'
  | 'away for 30 s'
  /** Connections of a process drop, whatever is under way in them. */
  | 'connections'
  /** Answers of the database to a process are lost, after their statements took effect: the process sends them again. */
  | 'answers'
  /** Connections of clients to a server drop. */
  | 'clients'
  /** Redis, where there is one. */
  | 'redis'
  /** A process stands still for longer than its lease, and goes on. */
  | 'frozen server'
  | 'frozen worker'

const LONG_MS = LEASE_MS + 1500

export interface Strike {
  readonly target: Target
  /** Which server or worker, modulo their number. */
  readonly index: number
  /** When the first client has this event; or so long after the one before, ms. */
  readonly at: { readonly afterSeq: number } | { readonly afterMs: number }
}

/** Executions at once, and what is struck one after the other. */
export interface MachineCase {
  readonly workflows: readonly KillWorkflow[]
  readonly strikes: readonly Strike[]
  /** Delay of everything between processes and database, ms. */
  readonly delayMs?: number
}

let caseCount = 0

/** Runs each workflow once without any disturbance. */
export async function runUndisturbed(place: Place, workflows: readonly KillWorkflow[]): Promise<Undisturbed> {
  const run = `undisturbed-${++caseCount}`
  const results = workflows.map(async (workflow, at) => {
    const client = new Client(place, workflow, `${run}-${at}`, at)
    await client.follow()
    const result = await client.fetchResult()
    return [workflow.name, { outcome: readOutcome(result), eventCount: client.seen.length }] as const
  })
  return new Map(await Promise.all(results))
}

/** Runs a case to the end of its executions. @param meanwhile begins with the first strike @returns everything that is wrong, a line each */
export async function runCase(
  system: System,
  { workflows, strikes, delayMs = 0 }: MachineCase,
  undisturbed: Undisturbed,
  meanwhile: () => Promise<void> = async () => {},
): Promise<string[]> {
  await system.settle()
  for (const { proxy, front } of system.machines) {
    proxy.delayMs = delayMs
    front.delayMs = delayMs
  }
  const run = `case-${++caseCount}`
  const doubling = { isDoubled: true }
  const clients = workflows.map((workflow, at) => new Client(system, workflow, `${run}-${at}`, at, doubling))
  const director = direct(system, clients[0] as Client, strikes, meanwhile)
  const followed = Promise.all(clients.map(client => client.follow()))
  await followed.finally(() => director.stop())
  await director.ended
  await system.settle()
  const struck = new Set(system.workers.flatMap(({ struck }) => struck.splice(0)))
  const faults = clients.map(async client => {
    const log = await system.readLog(client.executionId as string)
    const { name } = client.workflow
    const history = { deaths: [], readCalls: () => system.readCalls() }
    const found = findFaults(history, client, log, await client.fetchResult(), undisturbed.get(name)?.outcome)
    const mayBeUncalled = strikes.some(({ target }) => target !== 'server' && target !== 'frozen server')
    return [...found, ...findNeedlessRepeats(system, client, struck, mayBeUncalled)].map(fault => `${name}: ${fault}`)
  })
  const exits = system.machines.flatMap(({ role, exits }) => exits.splice(0).map(exit => `A ${role} ${exit}`))
  return [...(await Promise.all(faults)).flat(), ...exits]
}

/**
 * Attempts are interrupted only where their worker died: neither with a coordinator nor with the database. One that was never
 * called may also be lost with the answer to the worker that took it.
 */
export function findNeedlessRepeats(
  place: Place,
  { executionId, seen }: Client,
  struck: ReadonlySet<number>,
  mayBeUncalled: boolean,
): string[] {
  const calls = place.readCalls().filter(call => call.executionId === executionId && call.moment === 'begun')
  const interrupted = seen.filter(({ type, json }) => type === 'task_retry' && json.includes('"INTERRUPTED"'))
  return interrupted.flatMap(({ json }) => {
    const { taskId, attempt } = JSON.parse(json) as { taskId: string; attempt: number }
    const call = calls.find(each => each.taskId === taskId && each.attempt === attempt)
    if (call === undefined ? mayBeUncalled : struck.has(call.pid)) return []
    return [`Attempt ${attempt} of ${taskId} was interrupted, and its worker lived`]
  })
}

/** Strikes when it is time to, one after the other. */
function direct(
  system: System,
  first: Client,
  strikes: readonly Strike[],
  meanwhile: () => Promise<void>,
): { stop(): void; ended: Promise<void> } {
  const controller = new AbortController()
  let wake = (): void => {}
  first.onEvent = () => wake()
  const isDue = async (at: Strike['at']): Promise<void> => {
    if ('afterMs' in at) return wait(at.afterMs)
    while (!controller.signal.aborted && first.seen.length < at.afterSeq) {
      await new Promise<void>(resolve => (wake = resolve))
    }
  }
  const run = async (): Promise<void> => {
    for (const [at, strike] of strikes.entries()) {
      await isDue(strike.at)
      if (controller.signal.aborted) return
      await Promise.all([hit(system, strike), at === 0 ? meanwhile() : undefined])
    }
  }
  return {
    stop() {
      controller.abort()
      wake()
    },
    ended: run(),
  }
}

async function hit(system: System, { target, index }: Strike): Promise<void> {
  const pick = (machines: readonly Machine[]): Machine => machines[index % machines.length] as Machine
  if (target === 'server') await system.kill(pick(system.servers))
  else if (target === 'worker') await system.kill(pick(system.workers))
  else if (target === 'database') await system.killDatabase(index % 2 === 0 ? 0 : 500)
  else if (target === 'away for 30 s') await system.killDatabase(30_000)
  else if (target === 'outage') await system.killDatabase(LONG_MS)
  else if (target === 'redis') await system.killRedis(index % 2 === 0 ? 0 : 500)
  else if (target === 'answers') pick(system.machines).loseAnswers(1 + (index % 9))
  else if (target === 'clients') await pick(system.servers).front.cut(index % 2 === 0 ? 0 : 300)
  else if (target === 'frozen server') await pick(system.servers).freeze(LONG_MS)
  else if (target === 'frozen worker') await pick(system.workers).freeze(LONG_MS)
  else await pick(system.machines).proxy.cut(index % 2 === 0 ? 0 : 300)
}
