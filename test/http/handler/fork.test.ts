import { expect, test } from 'vitest'
import type { AccessContext } from 'dagstream/http'
import { createMemoryStore } from '../../../src/index.ts'
import { type HandlerRig, handlerRig, readMessages, readProblem, STREAM } from './handler-rig.ts'

const CHAIN = {
  tasks: [
    { id: 'a', tool: 'work', arguments: { n: 1 } },
    { id: 'b', tool: 'work', dependsOn: ['a'] },
  ],
}

/** Runs `CHAIN`, of which `b` fails. @returns its id */
async function runFailing({ begin, tool, get }: HandlerRig, headers: Record<string, string> = {}): Promise<string> {
  const id = await begin(CHAIN, headers)
  ;(await tool.nextCall('a')).succeed('A')
  ;(await tool.nextCall('b')).fail()
  await expect.poll(async () => (await (await get(`/executions/${id}`, headers)).json()).status).not.toBe('running')
  return id
}

test('a fork is answered as an execution: a stream, a result, or at once', async () => {
  const rig = handlerRig()
  const id = await runFailing(rig)
  const fork = (headers: Record<string, string>): Promise<Response> =>
    rig.send('POST', `/executions/${id}/fork`, { body: {}, headers })
  const streamed = await fork({ Accept: STREAM })
  expect([streamed.status, streamed.headers.get('execution-id')]).toEqual([200, 'x2'])
  ;(await rig.tool.nextCall('b')).succeed('B')
  const messages = await readMessages(streamed)
  expect(messages.map(({ event }) => event)).toEqual([
    'execution_start',
    'task_complete',
    'task_start',
    'task_complete',
    'execution_complete',
  ])
  expect(JSON.parse(messages[1]?.data ?? '')).toMatchObject({
    taskId: 'a',
    reusedFrom: { executionId: id, taskId: 'a' },
  })

  const waiting = await fork({ Accept: 'application/json' })
  ;(await rig.tool.nextCall('b')).succeed('B')
  expect(await waiting.json()).toMatchObject({
    status: 'success',
    results: [
      { output: 'A', attempts: 0, reusedFrom: { executionId: id, taskId: 'a' } },
      { output: 'B', attempts: 1 },
    ],
  })
  const accepted = await fork({ Prefer: 'respond-async' })
  expect([accepted.status, await accepted.json()]).toEqual([202, { executionId: 'x4', status: 'running' }])
  expect(accepted.headers.get('location')).toBe('/executions/x4')
  expect(rig.tool.started.filter(taskId => taskId === 'a')).toEqual(['a'])
})

test('a workflow, an input and options of the body replace the recorded ones', async () => {
  const rig = handlerRig()
  const id = await runFailing(rig)
  const body = {
    from: ['a'],
    workflow: { tasks: [{ id: 'a', tool: 'work', arguments: { n: '$INPUT' } }] },
    input: 7,
    options: { schedule: 'dataflow' },
  }
  const response = rig.send('POST', `/executions/${id}/fork`, { body })
  const call = await rig.tool.nextCall('a')
  expect(call.args).toEqual({ n: 7 })
  call.succeed()
  expect(await (await response).json()).toMatchObject({ status: 'success', totalTasks: 1 })
  const { options = '' } = (await rig.store.get('x2')) ?? {}
  expect(JSON.parse(options)).toMatchObject({ schedule: 'dataflow', forkedFrom: { executionId: id, from: ['a'] } })
})

test('the status of a fork says what it was forked from, while it runs and after its end', async () => {
  const rig = handlerRig()
  const id = await runFailing(rig)
  await rig.send('POST', `/executions/${id}/fork`, { body: { from: ['b', 'b'] }, headers: { Prefer: 'respond-async' } })
  const show = async (of: string): Promise<object> => (await rig.get(`/executions/${of}`)).json() as Promise<object>
  const forkedFrom = { executionId: id, from: ['b'] }
  expect(await show('x2')).toEqual({ executionId: 'x2', status: 'running', forkedFrom })
  ;(await rig.tool.nextCall('b')).succeed('B')
  await expect.poll(() => show('x2')).toMatchObject({ status: 'success', forkedFrom, result: { executionId: 'x2' } })
  expect(await show(id)).not.toHaveProperty('forkedFrom')
})

test('the request of an execution is its document and its input, for callers that may fork it', async () => {
  const asked: AccessContext[] = []
  const rig = handlerRig({
    authorize: (request, context) => {
      asked.push(context)
      return { owner: request.headers.get('x-owner') ?? 'nobody' }
    },
  })
  const id = await runFailing(rig, { 'x-owner': 'ada' })
  const read = (owner: string): Promise<Response> => rig.get(`/executions/${id}/request`, { 'x-owner': owner })
  expect(await (await read('ada')).json()).toEqual({ executionId: id, workflow: CHAIN })
  expect(asked.at(-1)).toEqual({ action: 'fork', executionId: id, owner: 'ada' })
  expect((await read('eve')).status).toBe(404)
})

test('what a fork cannot be made from is refused', async () => {
  const rig = handlerRig()
  const id = await runFailing(rig)
  const fork = (body: unknown, of = id): Promise<Response> => rig.send('POST', `/executions/${of}/fork`, { body })
  const unknown = await fork({ from: ['bb'] })
  expect([unknown.status, await readProblem(unknown)]).toEqual([
    422,
    expect.objectContaining({
      code: 'UNKNOWN_TASK',
      detail: 'There is no task `bb` to fork from. Did you mean `b`?',
    }),
  ])
  const invalid = await fork({ workflow: { tasks: [{ id: 'a', tool: 'wrk' }] } })
  expect([invalid.status, await readProblem(invalid)]).toEqual([
    422,
    expect.objectContaining({ issues: [expect.objectContaining({ pointer: '/tasks/0/tool', line: 1 })] }),
  ])
  expect((await fork({ workflow: null })).status).toBe(422)
  expect((await fork({}, 'none')).status).toBe(404)
  for (const body of [[], { from: 'a' }, { from: [1] }, { form: ['a'] }, { options: { schedule: 'x' } }]) {
    expect([body, (await fork(body)).status]).toEqual([body, 400])
  }
  expect(rig.tool.started).toEqual(['a', 'b'])
})

test('the same key attaches to the same fork, and conflicts with a fork of another execution', async () => {
  const rig = handlerRig()
  const [first, second] = [await runFailing(rig), await runFailing(rig)]
  const fork = (id: string): Promise<Response> =>
    rig.send('POST', `/executions/${id}/fork`, {
      body: {},
      headers: { 'Idempotency-Key': 'k', Prefer: 'respond-async' },
    })
  expect([await (await fork(first)).json(), await (await fork(first)).json()]).toMatchObject([
    { executionId: 'x3' },
    { executionId: 'x3' },
  ])
  expect((await fork(second)).status).toBe(409)
})

test('`authorize` is asked with the action `fork` and the old id, and a fork has the owner of the old execution', async () => {
  const asked: AccessContext[] = []
  const rig = handlerRig({
    authorize: (request, context) => {
      asked.push(context)
      return { owner: request.headers.get('x-owner') ?? 'nobody' }
    },
  })
  const id = await runFailing(rig, { 'x-owner': 'ada' })
  const fork = (owner: string): Promise<Response> =>
    rig.send('POST', `/executions/${id}/fork`, { body: {}, headers: { 'x-owner': owner, Prefer: 'respond-async' } })
  expect((await fork('eve')).status).toBe(404)
  const { executionId } = (await (await fork('ada')).json()) as { executionId: string }
  expect(asked.at(-1)).toEqual({ action: 'fork', executionId: id, owner: 'ada' })
  expect(await rig.store.get(executionId)).toMatchObject({ owner: 'ada' })
})

test('the recorded options hold within the bounds of the server', async () => {
  const store = createMemoryStore()
  const before = handlerRig({ store, maxConcurrency: 8 })
  const id = await runFailing(before)
  const after = handlerRig({ store, maxConcurrency: 2, timeoutMs: 5000, createId: () => 'y' })
  await after.send('POST', `/executions/${id}/fork`, { body: {}, headers: { Prefer: 'respond-async' } })
  const { options = '' } = (await store.get('y')) ?? {}
  expect(JSON.parse(options)).toMatchObject({ maxConcurrency: 2, timeoutMs: 5000 })
})
