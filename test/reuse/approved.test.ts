import { expect, test } from 'vitest'
import { createMemoryStore, type DAGStructure, type Execution, StreamingExecutor } from '../../src/index.ts'
import { answerLater } from '../conformance/later-store.ts'
import { collectEvents } from '../support/rig.ts'

const APPROVED: DAGStructure = {
  tasks: [{ id: 'a', tool: 'echo', arguments: { n: 1 }, approve: true, cache: { ttlMs: 60_000 } }],
}

/** Runs workflows with one store and answers each approval the same. */
function approvalRig(store = createMemoryStore()) {
  const called: string[] = []
  const asked: string[] = []
  const echo = {
    readOnly: true,
    execute: (_: unknown, { taskId }: { readonly taskId: string }) => {
      called.push(taskId)
      return taskId
    },
  }
  let response = true
  const onInput = ({ inputId }: { readonly inputId: string }): boolean => {
    asked.push(inputId)
    return response
  }
  const executor = new StreamingExecutor({ echo }, { store, onInput })
  const follow = async (execution: Execution) => {
    called.length = 0
    asked.length = 0
    const events = collectEvents(execution)
    const { results } = await execution.result
    return { id: execution.executionId, called: [...called], asked: [...asked], results, events }
  }
  return {
    executor,
    decline: () => (response = false),
    run: (workflow: DAGStructure) => follow(executor.stream(workflow)),
    fork: async (id: string, from: readonly string[] = []) => follow(await executor.fork(id, { from })),
  }
}

test.each([
  ['at once', () => createMemoryStore()],
  ['later', () => answerLater(createMemoryStore())],
])('with a store that answers %s, a remembered output needs no approval', async (_, make) => {
  const { run, executor, decline } = approvalRig(make())
  const first = await run(APPROVED)
  expect(first).toMatchObject({ called: ['a'], asked: ['a.0'] })
  expect(executor.counters).toMatchObject({ cacheHitCount: 0, cacheMissCount: 1 })
  decline()
  const second = await run(APPROVED)
  expect(second).toMatchObject({ called: [], asked: [], results: [{ status: 'success', output: 'a', attempts: 0 }] })
  expect(executor.counters).toMatchObject({ cacheHitCount: 1, cacheMissCount: 1 })
})

test('a declined task is not called, and nothing of it is remembered', async () => {
  const { run, decline } = approvalRig()
  decline()
  for (let time = 0; time < 2; time++) {
    const { called, asked, results } = await run(APPROVED)
    expect([called, asked, results[0]?.code]).toEqual([[], ['a.0'], 'INPUT_DECLINED'])
  }
})

test('a fork takes an approved task over without a question, and asks again for one of `from`', async () => {
  const { run, fork } = approvalRig()
  const old = await run({ tasks: [{ id: 'a', tool: 'echo', approve: true }] })
  expect(await fork(old.id)).toMatchObject({
    called: [],
    asked: [],
    results: [{ reusedFrom: { executionId: old.id } }],
  })
  expect(await fork(old.id, ['a'])).toMatchObject({ called: ['a'], asked: ['a.0'] })
})
