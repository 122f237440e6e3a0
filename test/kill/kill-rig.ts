import { afterAll, beforeAll, vi } from 'vitest'
import { Follower } from './follower.ts'
import { runUndisturbed, type Undisturbed } from './kill-case.ts'
import { KILL_WORKFLOWS, type KillWorkflow } from './kill-workflows.ts'
import { expectProgram, killAll, type LifeOptions } from './life.ts'
import { Site } from './site.ts'

/** Long enough that whatever is to happen happens while `b` runs. */
export const SLOW: KillWorkflow = {
  name: 'slow',
  status: 'success',
  body: {
    workflow: {
      tasks: [
        { id: 'a', tool: 'work', arguments: { value: 1 } },
        { id: 'b', tool: 'work', arguments: { value: '$OUTPUT[a]', ms: 500 } },
        { id: 'c', tool: 'work', arguments: { value: ['$OUTPUT[b]'] } },
      ],
    },
  },
}

/** Each task takes pages of the file; `b` does not end before the file `GATE` exists. */
export const LARGE: KillWorkflow = {
  name: 'large',
  status: 'success',
  body: {
    workflow: {
      tasks: ['a', 'b', 'c', 'd'].map((id, at, ids) => {
        return {
          id,
          tool: 'work',
          arguments: { bytes: 200_000, gate: id === 'b' },
          ...(at > 0 && { dependsOn: [ids[at - 1] as string] }),
        }
      }),
    },
  },
}

/** One of the workflows that are killed everywhere. */
export function findWorkflow(name: string): KillWorkflow {
  return KILL_WORKFLOWS.find(each => each.name === name) as KillWorkflow
}

/** What the tests of a file share. */
export interface KillRig {
  readonly undisturbed: Undisturbed
  /** A server over a new file, and one who is to POST a workflow to it. Both are gone after the tests. */
  open(workflow: KillWorkflow, options?: LifeOptions): { readonly site: Site; readonly follower: Follower }
}

/** @param workflows are run undisturbed before the tests, to be compared with */
export function killRig(...workflows: readonly KillWorkflow[]): KillRig {
  let undisturbed: Undisturbed = new Map()
  const sites: Site[] = []
  // Processes start slowly on a machine that has much to do.
  vi.setConfig({ testTimeout: 60_000 })
  beforeAll(async () => {
    expectProgram()
    undisturbed = await runUndisturbed(workflows)
  }, 60_000)
  afterAll(async () => {
    killAll()
    await Promise.all(sites.map(site => site.close()))
  })
  return {
    get undisturbed() {
      return undisturbed
    },
    open(workflow, options) {
      const site = new Site(options)
      sites.push(site)
      return { site, follower: new Follower(site, workflow, 'key') }
    },
  }
}

/** Which tasks were called, in order. */
export function callsOf(site: Site): string[] {
  const begun = site.readCalls().filter(({ moment }) => moment === 'begun')
  return begun.map(({ taskId }) => taskId)
}
