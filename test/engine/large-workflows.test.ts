// The plan of a large workflow is built in slices, after the checks and before `execution_start`.
import { expect, test } from 'vitest'
import { createMemoryStore, type DAGStructure, type SSEEvent, StreamingExecutor } from '../../src/index.ts'
import { createCounters } from '../../src/engine/counters.ts'
import { createLoop } from '../../src/engine/executors/launch.ts'
import { resolveOptions } from '../../src/engine/options.ts'
import { ToolRegistry } from '../../src/tools/registry.ts'
import { chain, task, workflow } from '../support/workflows.ts'

const COUNT = 12_000
const large = chain(COUNT)
const tools = { work: () => null }

async function readAll(events: AsyncIterable<SSEEvent>): Promise<string[]> {
  const types: string[] = []
  for await (const { type } of events) types.push(type)
  return types
}

test('a large workflow is refused by `stream` itself', () => {
  const [, ...rest] = large.tasks
  const cyclic: DAGStructure = { tasks: [{ id: 't0', tool: 'work', dependsOn: [`t${COUNT - 1}`] }, ...rest] }
  expect(() => new StreamingExecutor(tools).stream(cyclic)).toThrow(
    expect.objectContaining({ code: 'INVALID_WORKFLOW' }),
  )
})

for (const hasStore of [false, true]) {
  const store = hasStore ? { store: createMemoryStore() } : {}

  test(`before a large execution starts ${hasStore ? 'with' : 'without'} a store, the event loop turns`, async () => {
    const execution = new StreamingExecutor(tools, store).stream(large)
    let turnCount = 0
    let hasStarted = false
    const turn = (): void => {
      turnCount += 1
      if (!hasStarted) setImmediate(turn)
    }
    setImmediate(turn)
    const events = execution[Symbol.asyncIterator]()
    expect((await events.next()).value?.type).toBe('execution_start')
    hasStarted = true
    expect(turnCount).toBeGreaterThan(1)
    expect(await readAll({ [Symbol.asyncIterator]: () => events })).toHaveLength(2 * COUNT + 1)
    expect(await execution.result).toMatchObject({ status: 'success', successCount: COUNT })
  })

  test(`a large execution ${hasStore ? 'with' : 'without'} a store that is cancelled at once runs no task`, async () => {
    let callCount = 0
    const counted = { work: () => (callCount += 1) }
    const execution = new StreamingExecutor(counted, store).stream(large)
    execution.cancel('Not needed')
    const types = await readAll(execution)
    expect([types[0], types[1], types.at(-1)]).toEqual(['execution_start', 'execution_stopping', 'execution_complete'])
    expect(await execution.result).toMatchObject({ status: 'cancelled', cancelledCount: COUNT })
    expect(callCount).toBe(0)
  })
}

test('a large execution that its process hands off before it has started calls nothing and is left unfinished', async () => {
  const store = createMemoryStore()
  const options = resolveOptions({ store, createId: () => 'x' })
  const registry = ToolRegistry.from({ work: () => expect.unreachable() })
  const { loop, start, describe } = createLoop(large, registry, undefined, options, createCounters())
  await store.create(describe())
  start(await store.claim('x'))
  expect(loop.activity).toEqual({ running: 0, slot: 0, limit: 0, retry: 0 })
  loop.handOff()
  await expect(loop.ended).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
  const entries = await store.read('x', 0, 10)
  expect(entries.map(({ type }) => type)).toEqual(['execution_start', 'execution_handed_off'])
})

test('an execution whose log fails before its plan is built does not start', async () => {
  const options = resolveOptions({ createId: () => 'x' })
  const registry = ToolRegistry.from({ work: () => expect.unreachable() })
  const { loop, start } = createLoop(large, registry, undefined, options, createCounters())
  start({ executionId: 'x', epoch: 1 })
  loop.onLogFailure(new Error('gone'))
  await expect(loop.result).rejects.toMatchObject({ code: 'STORE_FAILED' })
  for (let turn = 0; turn < 100; turn++) await new Promise(resolve => setImmediate(resolve))
  expect([loop.log.head, loop.activity.running]).toEqual([0, 0])
})

test('a small workflow starts within the call, without a turn of the event loop', async () => {
  const execution = new StreamingExecutor(tools).stream(workflow('a', task('b', ['a'])))
  let hasTurned = false
  const timer = setImmediate(() => (hasTurned = true))
  await execution[Symbol.asyncIterator]().next()
  expect(hasTurned).toBe(false)
  clearImmediate(timer)
})
