import { expect, test } from 'vitest'
import { createMemoryStore, type PlanChunk, StreamingExecutor } from '../../src/index.ts'
import { leaveAfter, readKept } from '../support/crash.ts'

const echo = (args: Record<string, unknown>): unknown => args

/** A tool that waits until `release` is called. */
function createHold(): { hold: () => Promise<string>; release: () => void } {
  let release = (): void => {}
  const held = new Promise<string>(resolve => (release = () => resolve('held')))
  return { hold: () => held, release: () => release() }
}

test('a task of a document without conditions is skipped because of a dependency that a patch gave one', async () => {
  const { hold, release } = createHold()
  const store = createMemoryStore()
  const execution = new StreamingExecutor({ echo, hold }, { store }).stream({
    tasks: [
      { id: 'a', tool: 'hold' },
      { id: 'b', tool: 'echo', dependsOn: ['a'] },
      { id: 'c', tool: 'echo', arguments: { b: '$OUTPUT[b]' } },
      { id: 'd', tool: 'echo', dependsOn: ['b'] },
    ],
  })
  await execution.patch({ replace: [{ id: 'b', tool: 'echo', when: 'false', dependsOn: ['a'] }] })
  release()
  const outline = (result: { results: readonly { taskId: string; status: string; code?: string }[] }): unknown =>
    Object.fromEntries(result.results.map(({ taskId, status, code }) => [taskId, code ?? status]))
  const expected = { a: 'success', b: 'CONDITION_FALSE', c: 'DEPENDENCY_SKIPPED', d: 'success' }
  expect(outline(await execution.result)).toEqual(expected)
  const kept = await readKept(store, execution.executionId)
  const count = kept.entries.findIndex(({ type }) => type === 'tasks_added') + 1
  for (const maxTailEvents of [1, 10_000]) {
    const left = await leaveAfter(kept, count, { maxTailEvents })
    const resumed = await new StreamingExecutor({ echo, hold: echo }, { store: left }).resume(execution.executionId)
    expect(outline(await resumed.result)).toEqual(expected)
  }
})

test('a plan that breaks off after all of its tasks have ended is incomplete', async () => {
  for (const onPlanBreak of ['cancel', 'seal'] as const) {
    let ended = (): void => {}
    const hasEnded = new Promise<void>(resolve => (ended = resolve))
    async function* write(): AsyncGenerator<PlanChunk> {
      yield '{"id": "a", "tool": "find"}\n'
      await hasEnded
      throw new Error('cut')
    }
    const find = { readOnly: true, execute: () => 1 }
    const execution = await new StreamingExecutor({ find }).streamPlan(write(), { onPlanBreak })
    for await (const { type } of execution) if (type === 'task_complete') ended()
    const { status, reason, successCount } = await execution.result
    expect([status, reason?.code, successCount]).toEqual(
      onPlanBreak === 'seal' ? ['success', undefined, 1] : ['cancelled', 'PLAN_INCOMPLETE', 1],
    )
  }
})
