import { expect, test } from 'vitest'
import { createMemoryStore, type DAGStructure, parseJson, StreamingExecutor } from '../../src/index.ts'
import { leaveAfter, readKept } from '../support/crash.ts'
import { forkRig, takenOver } from './fork-rig.ts'

const call = (id: string, args: object = {}, more: object = {}): DAGStructure['tasks'][number] => {
  return { id, tool: 'echo', arguments: { ...args }, ...more }
}

const CHAIN: DAGStructure = {
  tasks: [call('a', { n: 1 }), call('b', { of: '$OUTPUT[a]' }), call('c', { of: '$OUTPUT[b]' }), call('d', { n: 2 })],
}

test('what did not succeed runs again, with what depends on it, and the rest is taken over', async () => {
  const { run, fork, failing } = forkRig()
  failing.add('b')
  const old = await run(CHAIN)
  expect(old.result.status).toBe('partial')
  failing.clear()
  const forked = await fork(old.executionId)
  expect(forked.called).toEqual(['b', 'c'])
  expect(forked.result.status).toBe('success')
  expect(takenOver(forked)).toEqual({ a: `${old.executionId}.a`, d: `${old.executionId}.d` })
  expect(forked.result.results.map(({ output }) => output)).toEqual([
    { task: 'a', n: 1 },
    { task: 'b', of: { task: 'a', n: 1 } },
    { task: 'c', of: { task: 'b', of: { task: 'a', n: 1 } } },
    { task: 'd', n: 2 },
  ])
})

test('a task that is taken over has one event, no attempt, no time and no usage', async () => {
  const { run, fork } = forkRig()
  const old = await run(CHAIN)
  const { executionId, events, called, result } = await fork(old.executionId)
  expect(called).toEqual([])
  const own = events.filter(({ data }) => 'taskId' in data && data.taskId === 'a')
  expect(own).toEqual([
    {
      type: 'task_complete',
      id: expect.any(String),
      data: {
        executionId,
        timestamp: expect.any(String),
        taskId: 'a',
        tool: 'echo',
        status: 'success',
        output: { task: 'a', n: 1 },
        attempts: 0,
        executionTimeMs: 0,
        waitMs: expect.any(Number),
        reusedFrom: { executionId: old.executionId, taskId: 'a' },
      },
    },
  ])
  expect(result.results[0]).toMatchObject({ reusedFrom: { executionId: old.executionId, taskId: 'a' } })
})

test('tasks at and behind `from` run again', async () => {
  const { run, fork } = forkRig()
  const old = await run(CHAIN)
  expect((await fork(old.executionId, { from: ['b'] })).called).toEqual(['b', 'c'])
  expect((await fork(old.executionId, { from: ['c', 'd'] })).called.toSorted()).toEqual(['c', 'd'])
})

test('a task runs again when its arguments, its tool or the version of its tool change', async () => {
  const { run, fork, versions } = forkRig()
  const old = await run(CHAIN)
  const [a, b, c, d] = CHAIN.tasks
  const changed = { tasks: [call('a', { n: 3 }), b, c, d] } as DAGStructure
  expect((await fork(old.executionId, { workflow: changed })).called).toEqual(['a', 'b', 'c'])
  const otherTool = { tasks: [a, b, c, { ...d, tool: 'other' }] } as DAGStructure
  expect((await fork(old.executionId, { workflow: otherTool })).called).toEqual(['d'])
  versions.set('echo', '2')
  const again = await fork(old.executionId)
  expect(again.called).toEqual(['a', 'd', 'b', 'c'])
  expect((await fork(again.executionId)).called).toEqual([])
})

test('the order of keys, and fields of a task that its call does not depend on, change nothing', async () => {
  const { run, fork } = forkRig()
  const old = await run({ tasks: [call('a', { x: 1, y: [1, { p: 1, q: 2 }] })] })
  const workflow = { tasks: [call('a', { y: [1, { q: 2, p: 1 }], x: 1 }, { timeoutMs: 5, name: 'A' })] }
  expect((await fork(old.executionId, { workflow })).called).toEqual([])
})

test('numbers that no double holds are compared by their digits', async () => {
  const { run, fork } = forkRig()
  const workflow = (digits: string): DAGStructure =>
    parseJson(`{"tasks":[{"id":"a","tool":"echo","arguments":{"n":${digits}}}]}`) as DAGStructure
  const old = await run(workflow('9007199254740993'))
  expect((await fork(old.executionId, { workflow: workflow('9007199254740993') })).called).toEqual([])
  expect((await fork(old.executionId, { workflow: workflow('9007199254740992') })).called).toEqual(['a'])
})

test('an added task runs, a removed one is left out, and tasks behind a new dependency run again', async () => {
  const { run, fork } = forkRig()
  const old = await run(CHAIN)
  const [a, b, , d] = CHAIN.tasks
  const workflow = { tasks: [a, b, call('new'), { ...d, dependsOn: ['new'] }] } as DAGStructure
  const forked = await fork(old.executionId, { workflow })
  expect(forked.called).toEqual(['new', 'd'])
  expect(Object.keys(takenOver(forked))).toEqual(['a', 'b'])
})

test('another input changes the tasks that read the changed part of it', async () => {
  const { run, fork } = forkRig()
  const workflow = {
    tasks: [call('a', { v: '$INPUT.x' }), call('b', { v: '$INPUT.y' }), call('c', { of: '$OUTPUT[a]' })],
  }
  const old = await run(workflow, { input: { x: 1, y: 1 } })
  expect((await fork(old.executionId, { input: { x: 2, y: 1 } })).called).toEqual(['a', 'c'])
  expect((await fork(old.executionId)).called).toEqual([])
})

test('`reusedFrom` names the execution that really ran the task, over several forks', async () => {
  const { run, fork } = forkRig()
  const old = await run(CHAIN)
  const second = await fork(old.executionId, { from: ['c'] })
  const third = await fork(second.executionId)
  expect(takenOver(third)).toEqual({
    a: `${old.executionId}.a`,
    b: `${old.executionId}.b`,
    c: `${second.executionId}.c`,
    d: `${old.executionId}.d`,
  })
})

test('a condition is evaluated anew', async () => {
  const { run, fork } = forkRig()
  const workflow: DAGStructure = {
    tasks: [call('a', {}, { when: 'input.on' }), call('b', {}, { dependsOn: ['a'], runOn: 'settled' }), call('c')],
  }
  const on = await run(workflow, { input: { on: true } })
  expect(on.called).toEqual(['a', 'c', 'b'])
  const off = await fork(on.executionId, { input: { on: false } })
  expect(off.result.results.map(({ status }) => status)).toEqual(['skipped', 'success', 'success'])
  // `a` came to something else, and `b` depends on it.
  expect(off.called).toEqual(['b'])
  // Skipped in both: nothing has changed for `b`.
  expect((await fork(off.executionId)).called).toEqual([])
})

test('items are taken over one by one, and what reads the list runs again when one of them did', async () => {
  const { run, fork, failing } = forkRig()
  const workflow: DAGStructure = {
    tasks: [
      call('each', { v: '$ITEM' }, { forEach: '$INPUT' }),
      call('sum', { all: '$OUTPUT[each]' }),
      call('after', {}, { dependsOn: ['each'] }),
    ],
  }
  failing.add('each[1]')
  const old = await run(workflow, { input: ['x', 'y', 'z'] })
  failing.clear()
  const forked = await fork(old.executionId)
  expect(forked.called).toEqual(['each[1]', 'sum', 'after'])
  expect((await fork(forked.executionId)).called).toEqual([])
  const other = await fork(forked.executionId, { input: ['x', 'w', 'z', 'q'] })
  expect(other.called).toEqual(['each[1]', 'each[3]', 'sum', 'after'])
  const fewer = await fork(forked.executionId, { input: ['x', 'y'] })
  expect(fewer.called).toEqual(['sum', 'after'])
  expect((await fork(forked.executionId, { from: ['each[0]'] })).called).toEqual(['each[0]', 'sum', 'after'])
  expect((await fork(forked.executionId, { from: ['each'] })).called).toHaveLength(5)
})

test('tasks of a nested workflow are taken over one by one, also of each item', async () => {
  const { run, fork, failing } = forkRig()
  const inner: DAGStructure = { tasks: [call('p', { v: '$INPUT.v' }), call('q', { of: '$OUTPUT[p]' })] }
  const workflow: DAGStructure = {
    tasks: [
      call('first', { v: '$INPUT.v' }),
      { id: 'sub', workflow: inner, arguments: { v: '$OUTPUT[first].v' } },
      { id: 'many', workflow: inner, arguments: { v: '$ITEM' }, forEach: [1, 2], dependsOn: ['first'] },
    ],
  }
  failing.add('sub/q').add('many[1]/p')
  const old = await run(workflow, { input: { v: 1 } })
  failing.clear()
  const forked = await fork(old.executionId)
  expect(forked.called.toSorted()).toEqual(['many[1]/p', 'many[1]/q', 'sub/q'])
  expect((await fork(forked.executionId)).called).toEqual([])
  expect((await fork(forked.executionId, { from: ['sub/p'] })).called).toEqual(['sub/p', 'sub/q'])
  // All children are behind the dependency of their parent.
  expect((await fork(forked.executionId, { from: ['first'] })).called).toHaveLength(7)
})

test('a round runs again when the round before it did', async () => {
  const { run, fork } = forkRig()
  const workflow: DAGStructure = {
    tasks: [call('poll', { n: '$INDEX' }, { repeat: { maxTimes: 3 } }), call('end', {}, { dependsOn: ['poll'] })],
  }
  const old = await run(workflow)
  expect((await fork(old.executionId)).called).toEqual([])
  expect((await fork(old.executionId, { from: ['poll[1]'] })).called).toEqual(['poll[1]', 'poll[2]', 'end'])
})

test('a fork that resumes before the end of a round takes the next rounds over all the same', async () => {
  const { run, fork, store } = forkRig()
  const round: DAGStructure = { tasks: [call('a'), call('b', {}, { dependsOn: ['a'], runOn: 'failure' })] }
  const old = await run({ tasks: [{ id: 'r', repeat: { maxTimes: 2, until: 'index == 1' }, workflow: round }] })
  const { executionId, events } = await fork(old.executionId)
  const keptOld = await readKept(store, old.executionId)
  const kept = await readKept(store, executionId)
  for (let count = 1; count < events.length; count++) {
    const left = await leaveAfter(kept, count)
    await leaveAfter(keptOld, keptOld.entries.length, { store: left })
    const next = forkRig(left)
    expect(await next.resume(executionId)).toMatchObject({ called: [], result: { status: 'success' } })
  }
})

test('a `finally` task runs again when any other task did', async () => {
  const { run, fork } = forkRig()
  const old = await run({ tasks: [call('a'), call('b')], finally: [call('clean')] })
  expect((await fork(old.executionId)).called).toEqual([])
  expect((await fork(old.executionId, { from: ['b'] })).called).toEqual(['b', 'clean'])
})

test('the log of the old execution stays as it is, byte by byte', async () => {
  const { run, fork, failing, store } = forkRig()
  failing.add('c')
  const old = await run(CHAIN)
  const read = async (): Promise<unknown> => {
    const entries = await store.read(old.executionId, 0, 1000)
    return [await store.get(old.executionId), entries.map(({ seq, type, json }) => [seq, type, json])]
  }
  const before = await read()
  failing.clear()
  await fork(old.executionId, { from: ['a'] })
  expect(await read()).toEqual(before)
})

test('a running execution can be forked: what has succeeded is taken over', async () => {
  const store = createMemoryStore()
  const called: string[] = []
  let finish = (): void => {}
  let isHeld = true
  const tools = {
    echo: (args: object, { taskId }: { taskId: string }) => {
      called.push(taskId)
      return taskId === 'b' && isHeld ? new Promise(resolve => (finish = () => resolve(args))) : args
    },
  }
  const executor = new StreamingExecutor(tools, { store })
  const old = executor.stream(CHAIN)
  await expect.poll(() => called).toContain('b')
  isHeld = false
  called.length = 0
  const result = await (await executor.fork(old.executionId)).result
  expect(result.status).toBe('success')
  expect(called).toEqual(['b', 'c'])
  finish()
  expect((await old.result).status).toBe('success')
})

test('a task of `from` that there is not is refused with a suggestion', async () => {
  const { run, fork } = forkRig()
  const old = await run({ tasks: [call('fetch'), call('each', {}, { forEach: [1, 2] })] })
  await expect(fork(old.executionId, { from: ['fetsh'] })).rejects.toMatchObject({
    code: 'UNKNOWN_TASK',
    message: 'There is no task `fetsh` to fork from. Did you mean `fetch`?',
  })
  await expect(fork(old.executionId, { from: ['each[7]'] })).rejects.toMatchObject({ code: 'UNKNOWN_TASK' })
})

test('an unknown execution, an invalid workflow and an unknown option are refused', async () => {
  const { run, fork } = forkRig()
  const old = await run(CHAIN)
  await expect(fork('none')).rejects.toMatchObject({ code: 'EXECUTION_NOT_FOUND' })
  const workflow = { tasks: [{ id: 'a', tool: 'missing' }] }
  await expect(fork(old.executionId, { workflow })).rejects.toMatchObject({ code: 'INVALID_WORKFLOW' })
  await expect(fork(old.executionId, { form: ['a'] } as object)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  await expect(fork(old.executionId, { from: 'a' } as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})

test('a fork has the owner of the old execution', async () => {
  const { run, store } = forkRig()
  const { executionId } = await run(CHAIN)
  const owned = await readKept(store, executionId)
  const other = await leaveAfter({ ...owned, record: { ...owned.record, owner: 'ada' } }, owned.entries.length)
  const forked = await forkRig(other).fork(executionId)
  expect(await other.get(forked.executionId)).toMatchObject({ owner: 'ada' })
  expect(forked.called).toEqual([])
})

test('a fork keeps the options that the old execution began with, unless it is given others', async () => {
  const { run, fork, store } = forkRig()
  const old = await run(CHAIN, { schedule: 'dataflow', maxConcurrency: 3 })
  const { executionId } = await fork(old.executionId, { from: ['a'], options: { maxConcurrency: 2 } })
  const { options = '' } = (await store.get(executionId)) ?? {}
  expect(JSON.parse(options)).toMatchObject({
    schedule: 'dataflow',
    maxConcurrency: 2,
    forkedFrom: { executionId: old.executionId, from: ['a'] },
  })
})
