import { expect, test } from 'vitest'
import { type AnyTool, createMemoryStore, DagstreamError, type DAGStructure } from '../../../src/index.ts'
import { ControlledTool } from '../../support/controlled-tool.ts'
import { outlive } from '../../support/crash.ts'
import { idle } from '../../support/fake-clock.ts'
import { type HandlerRig, handlerRig } from './handler-rig.ts'

// Executions that a process left while they were being ended, or whose tools the next one does not have: `finally` tasks run if
// their tools are there, and nothing stands in for a tool.

/** The tools `main` and `last`, which share their calls; without those that are gone. */
function toolsOf(tool: ControlledTool, ...gone: readonly string[]): readonly AnyTool[] {
  return ['main', 'last'].filter(name => !gone.includes(name)).map(name => ({ name, execute: tool.execute }))
}

const WORKFLOW: DAGStructure = {
  tasks: [
    { id: 'a', tool: 'main' },
    { id: 'b', tool: 'main', dependsOn: ['a'] },
  ],
  finally: [
    { id: 'notify', tool: 'last' },
    { id: 'close', workflow: { tasks: [{ id: 'c', tool: 'last' }] }, dependsOn: ['notify'] },
  ],
}

/** Begins `workflow` under `x1`, has `task` called, and leaves it as it is then. @returns a rig of the next process */
async function restart(
  workflow: DAGStructure,
  task: string,
  next: {
    readonly gone?: readonly string[]
    readonly isCancelled?: boolean
    /** Of the request to cancel. */
    readonly key?: string
    readonly onCrash?: 'fail'
  },
): Promise<HandlerRig & { readonly own: ControlledTool }> {
  const { gone = [], isCancelled = false, key, onCrash } = next
  const store = createMemoryStore()
  const tool = new ControlledTool()
  const first = handlerRig({ store, tools: toolsOf(tool) })
  await first.begin({ workflow, ...(onCrash && { options: { onCrash } }) })
  while (!tool.started.includes(task)) {
    await tool.idle()
    const call = tool.takeFirst()
    if (call === undefined) throw new Error(`${task} is not called`)
    if (call.taskId !== task) call.succeed()
    await tool.idle()
  }
  const headers = key === undefined ? {} : { 'Idempotency-Key': key }
  if (isCancelled) await first.send('POST', '/executions/x1/cancel', { headers })
  await tool.idle()
  const own = new ControlledTool()
  const rig = handlerRig({ store: await outlive(store, 'x1'), tools: toolsOf(own, ...gone) })
  return { ...rig, own }
}

async function end({ own, get, store }: HandlerRig & { readonly own: ControlledTool }): Promise<unknown> {
  await own.succeedAll()
  await idle()
  const { status } = await (await get('/executions/x1')).json()
  const entries = await store.read('x1', 0, 1000)
  const ends = entries.filter(({ type }) => type === 'task_complete').map(({ json }) => JSON.parse(json))
  return { status, ...Object.fromEntries(ends.map(({ taskId, status: end, code }) => [taskId, code ?? end])) }
}

const FINALLY_OK = { notify: 'success', close: 'success', 'close/c': 'success' }

test('after a cancellation the next process runs the finally tasks, and nothing else', async () => {
  const rig = await restart(WORKFLOW, 'a', { isCancelled: true })
  expect(await end(rig)).toEqual({ status: 'cancelled', a: 'CANCELLED', b: 'CANCELLED', ...FINALLY_OK })
  expect(rig.own.started).toEqual(['notify', 'close/c'])
})

test('a request to cancel that is repeated under its key after the crash is the same one; another one ends the finally tasks', async () => {
  const rig = await restart(WORKFLOW, 'a', { isCancelled: true, key: 'k' })
  const notify = await rig.own.nextCall('notify')
  const cancel = (key: string): Promise<Response> =>
    rig.send('POST', '/executions/x1/cancel', { headers: { 'Idempotency-Key': key } })
  expect((await cancel('k')).status).toBe(202)
  expect(notify.context.signal.aborted).toBe(false)
  await cancel('l')
  expect(notify.context.signal.aborted).toBe(true)
  const entries = await rig.store.read('x1', 0, 1000)
  const ids = entries.filter(({ type }) => type.endsWith('_stopping')).map(({ json }) => JSON.parse(json).requestId)
  expect(ids).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), expect.stringMatching(/^[0-9a-f]{32}$/)])
})

test('with onCrash "fail" likewise', async () => {
  const rig = await restart(WORKFLOW, 'a', { onCrash: 'fail' })
  expect(await end(rig)).toEqual({ status: 'error', a: 'INTERRUPTED', b: 'INTERRUPTED', ...FINALLY_OK })
})

test('a crash in the middle of the finally tasks runs those that have not ended', async () => {
  const rig = await restart(WORKFLOW, 'close/c', {})
  expect(await end(rig)).toEqual({ status: 'success', a: 'success', b: 'success', ...FINALLY_OK })
  expect(rig.own.started).toEqual(['close/c'])
})

test('a tool that only other tasks need may be gone: they fail, and the finally tasks run', async () => {
  const rig = await restart(WORKFLOW, 'a', { gone: ['main'] })
  expect(await end(rig)).toEqual({ status: 'error', a: 'TOOLS_UNAVAILABLE', b: 'TOOLS_UNAVAILABLE', ...FINALLY_OK })
  expect(rig.own.started).toEqual(['notify', 'close/c'])
})

test.each([
  ['one that runs', {}, 'a'],
  ['one that is cancelled', { isCancelled: true }, 'a'],
  ['one that runs its finally tasks', {}, 'notify'],
  ['one that failed with its process', { onCrash: 'fail' as const }, 'a'],
])('without a tool of its finally tasks an execution ends without them: %s', async (_, how, task) => {
  const rig = await restart(WORKFLOW, task, { ...how, gone: ['last'] })
  const ended = (await end(rig)) as Record<string, string>
  expect([ended['notify'], ended['close']]).toEqual(['TOOLS_UNAVAILABLE', 'TOOLS_UNAVAILABLE'])
  expect(ended['status']).not.toBe('running')
  expect(rig.own.started).toEqual([])
  expect(rig.log.join('\n')).not.toContain('is no tool')
})

test('the finally tasks of a workflow that runs within a task are held to the same', async () => {
  const inner: DAGStructure = { tasks: [{ id: 'a', tool: 'main' }], finally: [{ id: 'z', tool: 'last' }] }
  const nested: DAGStructure = {
    tasks: [
      { id: 'sub', forEach: [1, 2], workflow: inner, concurrency: 1 },
      { id: 'other', workflow: inner, dependsOn: ['sub'] },
    ],
  }
  const there = await restart(nested, 'sub[0]/a', { isCancelled: true })
  expect(await end(there)).toMatchObject({ status: 'cancelled', 'sub[0]/a': 'CANCELLED', 'sub[0]/z': 'success' })
  expect(there.own.started).toEqual(['sub[0]/z'])
  for (const isCancelled of [true, false]) {
    const gone = await restart(nested, 'sub[0]/a', { isCancelled, gone: ['last'] })
    expect(await end(gone)).toMatchObject({ 'sub[0]/z': 'TOOLS_UNAVAILABLE' })
    expect(gone.own.started).toEqual([])
  }
  // Nothing of `other` has begun: its `finally` needs no tool.
  const settled = await restart({ ...nested, finally: [{ id: 'end', tool: 'main' }] }, 'sub[0]/z', {
    isCancelled: true,
    gone: ['last'],
  })
  expect(await end(settled)).toMatchObject({ 'sub[0]/z': 'TOOLS_UNAVAILABLE' })
})

test('a workflow that passes its checks no more ends whole, its finally tasks too', async () => {
  const store = createMemoryStore()
  const tool = new ControlledTool()
  const first = handlerRig({ store, tools: toolsOf(tool) })
  await first.begin(WORKFLOW)
  await tool.nextCall('a')
  const own = new ControlledTool()
  const strict = { type: 'object', required: ['x'] }
  const tools = toolsOf(own).map(each => ({ ...each, inputSchema: strict }))
  const rig = { ...handlerRig({ store: await outlive(store, 'x1'), tools }), own }
  const all = ['a', 'b', 'notify', 'close'].map(id => [id, 'INVALID_WORKFLOW'])
  expect(await end(rig)).toEqual({ status: 'error', ...Object.fromEntries(all) })
  expect(own.started).toEqual([])
})

test('a cancelled execution whose tools cannot be provided ends without its finally tasks instead of being parked', async () => {
  const store = createMemoryStore()
  const tool = new ControlledTool()
  const first = handlerRig({ store, tools: toolsOf(tool) })
  await first.begin(WORKFLOW)
  await tool.nextCall('a')
  await first.send('POST', '/executions/x1/cancel')
  const toolsFor = async (): Promise<never> => {
    throw new DagstreamError('TOOLS_UNAVAILABLE', 'No', { details: { servers: [{ name: 'm' }] } })
  }
  const own = new ControlledTool()
  const rig = handlerRig({ store: await outlive(store, 'x1'), tools: { toolsFor, tools: toolsFor } })
  expect(await end({ ...rig, own })).toMatchObject({ status: 'cancelled', notify: 'TOOLS_UNAVAILABLE' })
  expect(rig.log.join('\n')).toContain('its `finally` tasks do not run')
})

test('a finally task that was running through three crashes in a row parks the execution, also one that is cancelled', async () => {
  const store = createMemoryStore()
  const tool = new ControlledTool()
  let rig = handlerRig({ store, tools: toolsOf(tool) })
  await rig.begin(WORKFLOW)
  await tool.nextCall('a')
  await rig.send('POST', '/executions/x1/cancel')
  let own = tool
  for (let crashes = 0; crashes <= 3; crashes++) {
    own = new ControlledTool()
    rig = handlerRig({ store: await outlive(rig.store, 'x1'), tools: toolsOf(own) })
    await own.idle()
    expect(own.started).toEqual(crashes < 3 ? ['notify'] : [])
  }
  const shown = await (await rig.get('/executions/x1')).json()
  expect(shown).toMatchObject({ status: 'parked', parked: { code: 'CRASH_LIMIT', tasks: ['notify'] } })
  // Cancelled once more, it ends.
  expect((await rig.send('POST', '/executions/x1/cancel')).status).toBe(202)
  expect(await end({ ...rig, own })).toMatchObject({ status: 'cancelled', notify: 'CANCELLED' })
})
