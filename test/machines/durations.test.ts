import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KillWorkflow } from '../kill/kill-workflows.ts'
import type { Undisturbed } from '../kill/kill-case.ts'
import { isPostgresMissing } from '../support/postgres.ts'
import { readLongForm } from './long-form.ts'
import { runCase, runUndisturbed } from './machine-case.ts'
import { System } from './system.ts'

// The long form: outages and blocked workers as long as the documents state them, with the default lease.

const work = (ms: number, timeoutMs: number): KillWorkflow => ({
  name: `work of ${ms} ms within ${timeoutMs} ms`,
  body: {
    workflow: {
      tasks: [
        { id: 'a', tool: 'block', arguments: { ms }, timeoutMs },
        { id: 'b', tool: 'work', arguments: { ms: 50 } },
      ],
    },
  },
})
/** Runs throughout the outage. */
const THROUGHOUT: KillWorkflow = {
  name: 'throughout',
  body: {
    workflow: {
      tasks: [
        ...['a', 'b'].map(id => ({ id, tool: 'work', arguments: { value: id, ms: 50_000 } })),
        { id: 'c', tool: 'work', arguments: { value: ['$OUTPUT[a]', '$OUTPUT[b]'] } },
      ],
    },
  },
}
const BLOCKED = [work(40_000, 60_000), work(40_000, 5000)]

describe.skipIf(isPostgresMissing || readLongForm() === undefined)('with the default lease', () => {
  let system: System
  let undisturbed: Undisturbed

  beforeAll(async () => {
    system = await System.start({ leaseMs: 10_000 })
    undisturbed = await runUndisturbed(system, [THROUGHOUT])
  }, 180_000)

  afterAll(() => system?.close())

  test('a database that is away for 30 s: no attempt is lost, and a POST answers 503 within 5 s', async () => {
    const refusals: number[] = []
    const post = async (at: number): Promise<number> => {
      const response = await fetch(`${await system.servers[at]?.ready}/executions`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ workflow: { tasks: [{ id: 'a', tool: 'work' }] } }),
      })
      await response.text()
      return response.status
    }
    const refuse = async (): Promise<void> => {
      await wait(5000)
      for (let at = 0; at < 2; at++) {
        const since = performance.now()
        let status = await post(at)
        // An idle connection that was never used is closed with it, perhaps just then.
        if (status === 408) status = await post(at)
        expect([status, performance.now() - since < 5000]).toEqual([503, true])
        refusals.push(status)
      }
    }
    const strikes = [{ target: 'away for 30 s', index: 0, at: { afterSeq: 2 } }] as const
    const faults = await runCase(system, { workflows: [THROUGHOUT, THROUGHOUT], strikes }, undisturbed, refuse)
    expect(faults).toEqual([])
    expect(refusals).toHaveLength(2)
  }, 240_000)

  test('a worker whose event loop is blocked for 40 s: one accepted outcome', async () => {
    const first = await runUndisturbed(system, BLOCKED)
    const [free, bounded] = BLOCKED.map(({ name }) => first.get(name)?.outcome) as [unknown, unknown]
    expect(free).toMatchObject({ status: 'success', tasks: [{ taskId: 'a', status: 'success' }, {}] })
    expect(bounded).toMatchObject({ tasks: [{ taskId: 'a', status: 'error', code: 'TASK_TIMEOUT' }, {}] })
    const begun = system.readCalls().filter(({ taskId, moment }) => taskId === 'a' && moment === 'begun')
    expect(new Set(begun.map(({ executionId, attempt }) => `${executionId} ${attempt}`)).size).toBe(begun.length)
    // Afterwards the workers go on, and the log is whole.
    expect(await runCase(system, { workflows: BLOCKED, strikes: [] }, first)).toEqual([])
  }, 300_000)
})
