import { expect, test } from 'vitest'
import {
  createMemoryStore,
  type DAGStructure,
  type Execution,
  type ExecutionRecord,
  StreamingExecutor,
} from '../../src/index.ts'
import { LogEntry } from '../../src/events/log-entry.ts'
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
    store,
    asked,
    follow,
    run: (workflow: DAGStructure, input?: unknown) => follow(executor.stream(workflow, { input })),
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

const PARENTS: readonly [string, DAGStructure['tasks'][number], string][] = [
  ['a fan-out', { id: 'p', tool: 'echo', arguments: { n: '$ITEM' }, forEach: [1, 2], approve: true }, 'p[1]'],
  ['a repetition', { id: 'p', tool: 'echo', repeat: { maxTimes: 2, until: 'index == 1' }, approve: 'Go?' }, 'p[1]'],
  ['a nested workflow', { id: 'p', workflow: { tasks: [{ id: 'x', tool: 'echo' }] }, approve: true }, 'p/x'],
  [
    'a fan-out of nested workflows',
    {
      id: 'p',
      workflow: { tasks: [{ id: 'x', tool: 'echo', arguments: { n: '$INPUT.n' } }] },
      arguments: { n: '$ITEM' },
      forEach: [1, 2],
      approve: 'All?',
    },
    'p[1]/x',
  ],
]

test.each(PARENTS)(
  '%s with one approval is taken over without a question, and asks for what runs',
  async (_, p, child) => {
    const { run, fork } = approvalRig()
    const old = await run({ tasks: [p, { id: 'z', tool: 'echo', dependsOn: ['p'] }] })
    expect(old.asked).toEqual(['p.0'])
    const taken = await fork(old.id)
    expect(taken).toMatchObject({ called: [], asked: [], results: [{ status: 'success' }, { status: 'success' }] })
    expect(await fork(taken.id)).toMatchObject({ called: [], asked: [] })
    expect(await fork(old.id, ['z'])).toMatchObject({ called: ['z'], asked: [] })
    expect(await fork(old.id, ['p'])).toMatchObject({ asked: ['p.0'] })
    const again = await fork(old.id, [child])
    expect(again).toMatchObject({ called: [child, 'z'], asked: ['p.0'] })
  },
)

test('another number of items, and other arguments of one item, are asked once', async () => {
  const { run, executor, asked, follow } = approvalRig()
  const each = (items: number[]): DAGStructure => ({
    tasks: [{ id: 'p', tool: 'echo', arguments: { n: '$ITEM' }, forEach: items, approve: true }],
  })
  const { id } = await run(each([1, 2]))
  for (const [items, called] of [
    [[1, 2, 3], ['p[2]']],
    [[1], []],
    [[1, 5], ['p[1]']],
  ] as const) {
    const forked = await follow(await executor.fork(id, { workflow: each([...items]) }))
    expect([forked.called, forked.asked]).toEqual([called, ['p.0']])
  }
  expect(asked).toEqual(['p.0'])
})

test('a task that runs although its parent seemed to be taken over asks for itself', async () => {
  const { run, executor, follow, decline } = approvalRig()
  const workflow = {
    tasks: [
      { id: 'x', tool: 'echo' },
      { id: 'y', tool: 'echo', when: 'input.n == 1' },
    ],
  }
  const document: DAGStructure = { tasks: [{ id: 'p', workflow, arguments: { n: '$INPUT' }, approve: 'Go on?' }] }
  const old = await run(document, 0)
  expect([old.called, old.asked]).toEqual([['p/x'], ['p.0']])
  const approved = await follow(await executor.fork(old.id, { input: 1 }))
  expect([approved.called, approved.asked]).toEqual([['p/y'], ['p/y.0']])
  expect(approved.events.find(({ type }) => type === 'input_required')?.data).toMatchObject({ message: 'Go on?' })
  decline()
  const declined = await follow(await executor.fork(old.id, { input: 1 }))
  expect([declined.called, declined.asked, declined.results[0]?.status]).toEqual([[], ['p/y.0'], 'error'])
})

test('after a crash and without the old execution, a parent that was not approved lets no task run unasked', async () => {
  const old = approvalRig()
  const first = await old.run({ tasks: [(PARENTS[0] as (typeof PARENTS)[number])[1]] })
  const { id } = await old.fork(first.id)
  const record = (await old.store.get(id)) as ExecutionRecord
  const entries = await old.store.read(id, 0, 100)
  const cut = entries.slice(0, entries.findIndex(({ type }) => type === 'tasks_added') + 1)
  const rig = approvalRig()
  await rig.store.create(record)
  const logged = cut.map(({ seq, type, json }) => LogEntry.fromJson(seq, type, json))
  await rig.store.append(await rig.store.claim(id), 1, logged)
  const { called, events } = await rig.follow(await rig.executor.resume(id))
  const asked = events.flatMap(({ type, data }) => (type === 'input_required' ? [data.inputId] : []))
  expect([called, asked]).toEqual([
    ['p[0]', 'p[1]'],
    ['p[0].0', 'p[1].0'],
  ])
})
