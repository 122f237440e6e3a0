import { expect } from 'vitest'
import { patchExecution } from '../../src/engine/growth/patch-execution.ts'
import type { PlanPatch } from '../../src/engine/growth/patch-shape.ts'
import { resolveOptions } from '../../src/engine/options.ts'
import { ToolRegistry } from '../../src/tools/registry.ts'
import { RandomSource } from '../language/random-source.ts'
import { TestCoordinator } from '../support/shared/test-coordinator.ts'
import { TestWorker } from '../support/shared/test-worker.ts'
import type { PlanSite } from './plan-chaos.ts'

const DOCUMENT = {
  tasks: [
    { id: 'a', tool: 'hold' },
    { id: 'b', tool: 'echo', dependsOn: ['a'] },
    { id: 'c', tool: 'echo', dependsOn: ['a'] },
    { id: 'd', tool: 'hold' },
    // Ready, without a slot.
    { id: 'e', tool: 'echo' },
    { id: 'g', tool: 'echo' },
  ],
}

/** Patches an execution on workers, before and after a takeover: what left the document is never ordered. */
export async function expectPatchedOrders(site: PlanSite): Promise<void> {
  const { store, clock, ttlMs } = site
  const random = new RandomSource(1)
  const calls: string[] = []
  let release = (): void => {}
  const held = new Promise<string>(resolve => (release = () => resolve('held')))
  const tools = new ToolRegistry({
    hold: (_: unknown, { taskId }: { taskId: string }) => (calls.push(taskId), held),
    echo: (args: unknown, { taskId }: { taskId: string }) => (calls.push(taskId), args),
  })
  const options = resolveOptions({ clock, createId: () => 'x', schedule: 'dataflow', maxConcurrency: 2 })
  const worker = new TestWorker({ store: await site.connect(), clock, tools, concurrency: 4, ttlMs, workerId: 'w1' })
  await worker.start()
  const first = await TestCoordinator.start(DOCUMENT, undefined, { store, tools, options })
  for (let turn = 0; turn < 2000 && calls.length < 2; turn++) await site.pass(random)
  expect(calls.toSorted()).toEqual(['a', 'd'])
  const change = (patch: PlanPatch): Promise<unknown> => patchExecution(first.loop, patch)
  const patch = {
    remove: ['e'],
    replace: [{ id: 'b', tool: 'echo', arguments: { of: '$OUTPUT[a]' } }],
    add: [{ id: 'f', tool: 'echo', arguments: { of: '$OUTPUT[b]' } }],
  }
  expect(await change(patch)).toEqual({ totalTasks: 6 })
  await expect(change({ remove: ['a'] })).rejects.toMatchObject({ code: 'PLAN_CONFLICT' })
  expect((await store.orders.list('x')).map(({ key }) => key.taskId).toSorted()).toEqual(['a', 'd'])
  first.kill()

  const second = await TestCoordinator.takeOver('x', { store, tools, options })
  if (second === undefined) throw new Error('Parked')
  const changeNext = (patch: PlanPatch): Promise<unknown> => patchExecution(second.loop, patch)
  expect(await changeNext({ remove: ['c'], replace: [{ id: 'g', tool: 'echo', arguments: { n: 2 } }] })).toEqual({
    totalTasks: 5,
  })
  await expect(changeNext({ replace: [{ id: 'd', tool: 'echo' }] })).rejects.toMatchObject({ code: 'PLAN_CONFLICT' })
  release()
  for (let turn = 0; turn < 2000 && second.loop.log.ending === undefined; turn++) await site.pass(random)
  worker.kill()
  const { status, results } = await second.loop.result
  expect(status).toBe('success')
  expect(Object.fromEntries(results.map(({ taskId, output }) => [taskId, output]))).toEqual({
    a: 'held',
    b: { of: 'held' },
    d: 'held',
    f: { of: { of: 'held' } },
    g: { n: 2 },
  })
  expect(calls.toSorted()).toEqual(['a', 'b', 'd', 'f', 'g'])
  expect(await store.orders.list('x')).toEqual([])
}
