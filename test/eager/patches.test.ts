import { expect, test } from 'vitest'
import { createMemoryStore, StreamingExecutor } from '../../src/index.ts'
import { leaveAfter, readKept } from '../support/crash.ts'
import { collectEvents } from '../support/rig.ts'

/** Tools of which `hold` waits until `release` is called. */
function createTools(): { tools: Record<string, (args: Record<string, unknown>) => unknown>; release: () => void } {
  let release = (): void => {}
  const held = new Promise<string>(resolve => (release = () => resolve('held')))
  return { tools: { hold: () => held, echo: args => args }, release: () => release() }
}

const document = {
  tasks: [
    { id: 'a', tool: 'hold' },
    { id: 'b', tool: 'echo', dependsOn: ['a'] },
    { id: 'c', tool: 'echo', arguments: { b: '$OUTPUT[b]' } },
  ],
}

test('a patch adds, removes and replaces tasks that have not started, and a replay of its log ends alike', async () => {
  for (const schedule of ['layers', 'dataflow'] as const) {
    const { tools, release } = createTools()
    const store = createMemoryStore()
    const execution = new StreamingExecutor(tools, { store, schedule }).stream(document)
    const events = collectEvents(execution)
    const patched = await execution.patch({
      replace: [{ id: 'b', tool: 'echo', arguments: { x: 1 }, dependsOn: ['a'] }],
      add: [
        { id: 'e', tool: 'echo', arguments: { d: '$OUTPUT[d]' } },
        { id: 'd', tool: 'echo', dependsOn: ['c'] },
      ],
    })
    expect(patched).toEqual({ totalTasks: 5 })
    await expect(execution.patch({ remove: ['a'] })).rejects.toMatchObject({ code: 'PLAN_CONFLICT' })
    await expect(execution.patch({ remove: ['c'] })).rejects.toMatchObject({ code: 'INVALID_WORKFLOW' })
    await expect(execution.patch({ add: [{ id: 'f', tool: 'none' }] })).rejects.toMatchObject({
      details: { issues: [{ code: 'UNKNOWN_TOOL', pointer: '/add/0/tool' }] },
    })
    expect(await execution.patch({ remove: ['e'] })).toEqual({ totalTasks: 4 })
    release()
    const { results, status, totalTasks } = await execution.result
    const outline = results.map(({ taskId, output }) => [taskId, output])
    expect([status, totalTasks]).toEqual(['success', 4])
    expect(outline).toEqual([
      ['a', 'held'],
      ['c', { b: { x: 1 } }],
      ['d', {}],
      ['b', { x: 1 }],
    ])
    expect(events.filter(({ type }) => type === 'tasks_removed')).toHaveLength(2)
    await expect(execution.patch({ remove: ['d'] })).rejects.toMatchObject({ code: 'EXECUTION_ENDED' })
    const kept = await readKept(store, execution.executionId)
    const from = kept.entries.findLastIndex(({ type }) => type === 'tasks_removed') + 1
    for (let count = from; count < kept.entries.length; count++) {
      const next = createTools()
      next.release()
      const resumed = await new StreamingExecutor(next.tools, { store: await leaveAfter(kept, count) }).resume(
        kept.record.executionId,
      )
      const again = await resumed.result
      expect(again.results.map(({ taskId, output }) => [taskId, output])).toEqual(outline)
    }
  }
})

test('the log has the registered workflows that a patch names', async () => {
  const { tools, release } = createTools()
  const store = createMemoryStore()
  const workflows = { twice: { tasks: [{ id: 'x', tool: 'echo', arguments: { n: 2 } }], output: '$OUTPUT[x]' } }
  const execution = new StreamingExecutor(tools, { store, workflows }).stream(document)
  expect(await execution.patch({ add: [{ id: 'w', workflow: 'twice', dependsOn: ['a'] }] })).toEqual({ totalTasks: 4 })
  release()
  await execution.result
  const kept = await readKept(store, execution.executionId)
  const count = kept.entries.findIndex(({ type }) => type === 'tasks_added') + 1
  const next = createTools()
  next.release()
  const left = await leaveAfter(kept, count)
  const resumed = await new StreamingExecutor(next.tools, { store: left }).resume(kept.record.executionId)
  const { results } = await resumed.result
  expect(results.find(({ taskId }) => taskId === 'w')).toMatchObject({ status: 'success', output: { n: 2 } })
})
