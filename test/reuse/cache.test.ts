import { expect, test } from 'vitest'
import {
  compileWorkflow,
  createMemoryStore,
  type DAGStructure,
  type ExecutionStore,
  StreamingExecutor,
  type Tool,
  validateWorkflow,
} from '../../src/index.ts'
import { digest, sha256 } from '../../src/engine/reuse/sha256.ts'
import { answerLater } from '../conformance/later-store.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { leaveAfter, readKept } from '../support/crash.ts'
import { collectEvents } from '../support/rig.ts'

const HOUR_MS = 60 * 60 * 1000

const cached = (id: string, args: object = {}, more: object = {}): DAGStructure['tasks'][number] => {
  return { id, tool: 'echo', arguments: { ...args }, cache: { ttlMs: HOUR_MS }, ...more }
}

/** Runs workflows with one store. */
function cacheRig(store: ExecutionStore = createMemoryStore(), version?: string) {
  const called: string[] = []
  const failing = new Set<string>()
  const execute: Tool['execute'] = (args, { taskId }) => {
    called.push(taskId)
    if (failing.has(taskId)) throw new Error('no')
    return { ...args, by: taskId }
  }
  const echo = { readOnly: true, execute, ...(version !== undefined && { version }) }
  const executor = new StreamingExecutor({ echo, write: { execute } }, { store })
  const run = async (workflow: DAGStructure, input?: unknown) => {
    called.length = 0
    const execution = executor.stream(workflow, { input })
    const events = collectEvents(execution)
    const result = await execution.result
    return { result, called: [...called], events, executionId: execution.executionId }
  }
  return { executor, run, failing, called, store }
}

test.each([
  ['at once', () => createMemoryStore()],
  ['later', () => answerLater(createMemoryStore())],
])('with a store that answers %s, the same call takes the output of the first, without an attempt', async (_, make) => {
  const { run, executor } = cacheRig(make())
  const first = await run({ tasks: [cached('a', { x: 1, y: 2 })] })
  const second = await run({ tasks: [cached('b', { y: 2, x: 1 }), cached('c', { x: 2 })] })
  expect([first.called, second.called]).toEqual([['a'], ['c']])
  expect(second.events.filter(({ data }) => 'taskId' in data && data.taskId === 'b')).toMatchObject([
    {
      type: 'task_complete',
      data: {
        status: 'success',
        output: { x: 1, y: 2, by: 'a' },
        attempts: 0,
        reusedFrom: { executionId: first.executionId, taskId: 'a' },
      },
    },
  ])
  expect(executor.counters).toMatchObject({ cacheHitCount: 1, cacheMissCount: 2 })
})

test('an output that is too old, of another version, another tool or a failure is not taken', async () => {
  const clock = new FakeClock()
  const store = createMemoryStore({ clock })
  const { run, failing } = cacheRig(store)
  failing.add('bad')
  await run({ tasks: [cached('a'), cached('bad', { bad: true })] })
  failing.clear()
  await clock.run(1000)
  const other = { id: 'w', tool: 'write', cache: { ttlMs: HOUR_MS, effects: true } }
  const again = await run({
    tasks: [
      cached('old', {}, { cache: { ttlMs: 999 } }),
      cached('fresh', {}, { dependsOn: ['old'] }),
      cached('bad', { bad: true }),
      other,
    ],
  })
  expect(again.called.toSorted()).toEqual(['bad', 'old', 'w'])
  expect((await cacheRig(store, '2').run({ tasks: [cached('a')] })).called).toEqual(['a'])
})

test('a key stands for the arguments, and may hold references', async () => {
  const { run } = cacheRig()
  const workflow = (at: number): DAGStructure => ({
    tasks: [cached('a', { at }, { cache: { ttlMs: HOUR_MS, key: ['user', '$INPUT.user'] } })],
  })
  expect((await run(workflow(1), { user: 'ada' })).called).toEqual(['a'])
  expect((await run(workflow(2), { user: 'ada' })).called).toEqual([])
  expect((await run(workflow(2), { user: 'eve' })).called).toEqual(['a'])
})

test('items, rounds and tasks of nested workflows take outputs one by one', async () => {
  const { run } = cacheRig()
  const workflow: DAGStructure = {
    tasks: [
      cached('each', { v: '$ITEM' }, { forEach: '$INPUT' }),
      cached('poll', { round: '$INDEX' }, { repeat: { maxTimes: 2 } }),
      { id: 'sub', workflow: { tasks: [cached('in', { of: '$INPUT.v' })] }, arguments: { v: 1 } },
    ],
  }
  expect((await run(workflow, ['x', 'y'])).called.toSorted()).toEqual([
    'each[0]',
    'each[1]',
    'poll[0]',
    'poll[1]',
    'sub/in',
  ])
  const again = await run(workflow, ['z', 'y'])
  expect(again.called).toEqual(['each[0]'])
  expect(again.result.results[0]?.output).toMatchObject([{ by: 'each[0]' }, { v: 'y', by: 'each[1]' }])
})

test('a condition is evaluated first, and a fork from a task calls it whatever is remembered', async () => {
  const { run, executor, called } = cacheRig()
  const first = await run({ tasks: [cached('a')] })
  const skipped = await run({ tasks: [cached('a', {}, { when: 'false' })] })
  expect([skipped.called, skipped.result.results[0]?.status]).toEqual([[], 'skipped'])
  called.length = 0
  await (await executor.fork(first.executionId, { from: ['a'] })).result
  expect(called).toEqual(['a'])
})

test('each owner has outputs of their own', async () => {
  const store = createMemoryStore()
  const key = 'k'.repeat(64)
  await store.remember?.({ owner: 'ada', key }, { executionId: 'x', taskId: 'a', output: '1' })
  expect([await store.recall?.({ key }, HOUR_MS), await store.recall?.({ owner: 'eve', key }, HOUR_MS)]).toEqual([
    undefined,
    undefined,
  ])
})

test('a store that fails to recall or to remember costs a call, and nothing else', async () => {
  const fail = (): never => {
    throw new Error('no disk')
  }
  for (const broken of [fail, async () => fail()]) {
    const { run } = cacheRig({ ...createMemoryStore(), recall: broken, remember: broken })
    const { result, called } = await run({ tasks: [cached('a')] })
    expect([result.status, called]).toEqual(['success', ['a']])
  }
})

test('the oldest outputs go first beyond the bounds of a store in memory', async () => {
  const clock = new FakeClock()
  const store = createMemoryStore({ clock, maxCacheBytes: 2000, maxCacheAgeMs: 1000 })
  const put = async (key: string, size: number): Promise<void> =>
    store.remember?.({ key }, { executionId: 'x', taskId: 'a', output: JSON.stringify('x'.repeat(size)) })
  const has = async (key: string): Promise<boolean> => (await store.recall?.({ key }, HOUR_MS)) !== undefined
  await put('a', 700)
  await put('b', 700)
  await put('a', 700)
  await put('c', 700)
  expect([await has('a'), await has('b'), await has('c')]).toEqual([true, false, true])
  await put('large', 3000)
  expect([await has('large'), await has('a')]).toEqual([false, true])
  await clock.run(1001)
  expect(await has('a')).toBe(false)
})

test('an attempt that goes on after a crash is remembered, too', async () => {
  const { run, store } = cacheRig()
  const { executionId } = await run({ tasks: [cached('a', { x: 1 })] })
  const kept = await readKept(store, executionId)
  const left = await leaveAfter(kept, 2)
  const next = cacheRig(left)
  await (await next.executor.resume(executionId)).result
  expect(next.called).toEqual(['a'])
  expect((await next.run({ tasks: [cached('b', { x: 1 })] })).called).toEqual([])
})

test('`cache` on a tool that is not read-only is refused, unless its effects may be left out', () => {
  const tools = { echo: { readOnly: true, execute: () => null }, write: () => null }
  const check = (task: object): unknown => {
    const { issues } = validateWorkflow({ tasks: [{ id: 'a', ...task }] }, tools)
    return issues.map(({ code, pointer }) => [code, pointer])
  }
  expect(check({ tool: 'echo', cache: { ttlMs: 1 } })).toEqual([])
  expect(check({ tool: 'write', cache: { ttlMs: 1 } })).toEqual([['INVALID_SHAPE', '/tasks/0/cache']])
  expect(check({ tool: 'write', cache: { ttlMs: 1, effects: true } })).toEqual([])
  expect(check({ tool: 'echo', cache: {} })).toEqual([['INVALID_SHAPE', '/tasks/0/cache']])
  expect(check({ tool: 'echo', cache: { ttlMs: 1, key: '$OUTPUT[b]' } })).toEqual([
    ['UNKNOWN_REFERENCE', '/tasks/0/cache/key'],
  ])
  expect(check({ workflow: { tasks: [] }, cache: { ttlMs: 1 } })).toEqual([['INVALID_SHAPE', '/tasks/0']])
})

test('a plan describes `cache` as its document does', () => {
  const tools = { echo: { readOnly: true, execute: () => null } }
  const tasks = [
    cached('a', {}, { cache: { ttlMs: 5, key: { k: '$INPUT.x' } } }),
    cached('b', {}, { forEach: [1], cache: { ttlMs: 5, effects: true } }),
  ]
  const described = compileWorkflow({ tasks }, tools).describe()
  expect(described.tasks.map(({ cache }) => cache)).toEqual(tasks.map(({ cache }) => cache))
  expect(compileWorkflow(described, tools).describe()).toEqual(described)
})

test('the digest is the same with and without the crypto of Node.js', async () => {
  expect(await sha256('é')).toBe(await digest('é'))
  expect(await digest('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
})

test.each([
  ['a tool', { tool: 'poll' }],
  [
    'a nested workflow',
    { workflow: { tasks: [{ id: 'x', tool: 'poll', cache: { ttlMs: 60_000 } }], output: '$OUTPUT[x]' } },
  ],
])(
  'a repetition of %s does not take the outputs of its own rounds, and the next execution takes the last one',
  async (_, call) => {
    let count = 0
    const poll = { readOnly: true, execute: () => (count += 1) }
    const executor = new StreamingExecutor({ poll }, { store: createMemoryStore() })
    const repeat = { maxTimes: 5, everyMs: 1, until: 'result == 3' }
    const cache = 'tool' in call ? { cache: { ttlMs: 60_000 } } : {}
    const document = { tasks: [{ id: 'p', ...call, ...cache, repeat }] } as DAGStructure
    for (let run = 0; run < 2; run++) {
      const { results } = await executor.execute(document)
      expect([results[0]?.output, count]).toEqual([3, 3])
    }
  },
)
