import { findFaults } from './checks.ts'
import { Follower } from './follower.ts'
import type { KillWorkflow } from './kill-workflows.ts'
import { readOutcome } from './outcome.ts'
import { Site } from './site.ts'

/** When the server is killed. */
export type Strike =
  /** When the client has this event; 0: when it has the headers. */
  | { readonly afterSeq: number }
  /** When the server has answered that it cancels. */
  | { readonly afterCancel: true }
  /** So long after it listened, ms. */
  | { readonly afterMs: number }

/** Executions of one server at once, and how that is killed, one after the other. */
export interface KillCase {
  readonly workflows: readonly KillWorkflow[]
  readonly strikes: readonly Strike[]
  /** After the first strike: processes that are killed so long after they were begun, ms. */
  readonly killsAtStart?: readonly number[]
}

/** What came of a case. */
export interface Outcome {
  readonly killCount: number
  readonly eventCount: number
  readonly callCount: number
  /** Attempts that a kill cut. */
  readonly cutCount: number
  readonly faults: readonly string[]
}

/** What workflows come to when nobody kills their server, by name. */
export type Undisturbed = ReadonlyMap<string, { readonly outcome: unknown; readonly eventCount: number }>

/** Runs each of them once. @throws Error for one that ends in another way than it is to */
export async function runUndisturbed(workflows: readonly KillWorkflow[]): Promise<Undisturbed> {
  const site = new Site()
  try {
    const runs = workflows.map(async (workflow, at) => {
      const follower = new Follower(site, workflow, `key-${at}`)
      await follower.follow()
      const { status, result } = await follower.fetchResult()
      if (status !== (workflow.status ?? status)) throw new Error(`${workflow.name} ended with ${String(status)}`)
      return [workflow.name, { outcome: readOutcome(result), eventCount: follower.seen.length }] as const
    })
    return new Map(await Promise.all(runs))
  } finally {
    await site.close()
  }
}

/** Runs a case to the end of its executions and looks at everything that it left. */
export async function runCase(
  { workflows, strikes, killsAtStart = [] }: KillCase,
  undisturbed: Undisturbed,
): Promise<Outcome> {
  const site = new Site()
  site.killsAtStart.push(...killsAtStart)
  const followers = workflows.map((workflow, at) => new Follower(site, workflow, `key-${at}`))
  const director = direct(site, followers, [...strikes])
  try {
    await Promise.all(followers.map(follower => follower.follow()))
    // Kills that nobody is left for are not made up for.
    director.stop()
    await site.url
    const faults = await inspect(site, followers, undisturbed)
    const entries = [...(await site.readLogs()).values()].flatMap(log => log.entries)
    return {
      killCount: site.deaths.length,
      eventCount: entries.length,
      callCount: site.readCalls().filter(({ moment }) => moment === 'begun').length,
      cutCount: entries.filter(({ type, json }) => type === 'task_retry' && json.includes('"INTERRUPTED"')).length,
      faults,
    }
  } catch (error) {
    const told = error instanceof Error ? error.message : String(error)
    throw new Error(`${told}\n${site.life.errors}`, { cause: error })
  } finally {
    director.stop()
    await site.close()
  }
}

/** Ends the server and looks at all that there is of these executions, which have ended. @returns what is wrong */
export async function inspect(
  site: Site,
  followers: readonly Follower[],
  undisturbed: Undisturbed,
): Promise<readonly string[]> {
  const faults: string[] = []
  const results = await Promise.all(followers.map(follower => follower.fetchResult()))
  const listed = await (await fetch(`${await site.url}/executions`)).json()
  const { length } = (listed as { executions: unknown[] }).executions
  if (length !== followers.length) faults.push(`There are ${length} executions instead of ${followers.length}`)
  await site.life.kill()
  const logs = await site.readLogs()
  for (const [at, follower] of followers.entries()) {
    const { name } = follower.workflow
    const log = logs.get(follower.executionId ?? '')
    const found = findFaults(site, follower, log, results[at]?.['result'], undisturbed.get(name)?.outcome)
    faults.push(...found.map(fault => `${name}: ${fault}`))
  }
  return faults
}

/** Sees to it that the server is killed when it is to be, and that whoever repeats a request finds what it began. */
function direct(site: Site, followers: readonly Follower[], strikes: Strike[]): { stop(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined
  const strike = (): void => {
    strikes.shift()
    site.strike()
    arm()
  }
  const arm = (): void => {
    const next = strikes[0]
    if (next === undefined || !('afterMs' in next)) return
    // Where it does not come to listen, whoever waits for it is told.
    site.url.then(
      () => {
        if (strikes[0] === next) timer = setTimeout(strike, next.afterMs)
      },
      () => {},
    )
  }
  site.onRestart = async url => {
    await Promise.all(
      followers.map(async follower => {
        if (follower.executionId === undefined) return
        const id = await follower.repeat(url)
        if (id !== follower.executionId) throw new Error(`A repeat began ${id} beside ${follower.executionId}`)
      }),
    )
  }
  for (const follower of followers) {
    follower.onEvent = (seen, seq) => {
      const next = strikes[0]
      if (next === undefined || !('afterSeq' in next)) return false
      // What it waits for may never come, where a kill has made the log longer or shorter.
      if (seq !== next.afterSeq && seen.type !== 'execution_complete') return false
      strike()
      return true
    }
    follower.onCancelled = () => {
      if (strikes[0] !== undefined && 'afterCancel' in strikes[0]) strike()
    }
  }
  arm()
  return {
    stop() {
      strikes.length = 0
      clearTimeout(timer)
    },
  }
}
