import { afterEach, expect, test } from 'vitest'
import { humanAskTool } from '../../../src/index.ts'
import { idle } from '../../support/fake-clock.ts'
import { ONE_TASK, readProblem } from '../../http/handler/handler-rig.ts'
import { type ClusterRig, clusterRig, LEASE_MS, type ServerRig, settle } from './cluster-rig.ts'

let rig: ClusterRig
afterEach(() => rig.close())

const statusOf = async (response: Promise<Response>): Promise<unknown> =>
  ((await (await response).json()) as { status: unknown }).status

const QUESTION = { tasks: [{ id: 'q', tool: 'human:ask', arguments: { message: 'Go?', schema: { type: 'string' } } }] }

/** Two servers, and an execution of the first that asks a question. */
async function askingRig(): Promise<{ a: ServerRig; b: ServerRig }> {
  rig = clusterRig()
  const tools = { work: rig.tool.execute, 'human:ask': humanAskTool }
  const [a, b] = [rig.server('a', { tools }), rig.server('b', { tools })]
  await rig.worker('w', { tools })
  await settle(rig)
  await a.begin({ workflow: QUESTION })
  await rig.clock.run(2000)
  return { a, b }
}

const answer = (server: ServerRig, body: object, path = 'a1/inputs/q.1'): Promise<Response> =>
  server.send('POST', `/executions/${path}`, { body })

test('a cancellation at another server takes effect before it is answered', async () => {
  rig = clusterRig()
  const [a, b] = [rig.server('a'), rig.server('b')]
  await rig.worker('w')
  await a.begin({ workflow: ONE_TASK })
  const call = await rig.tool.nextCall('a')
  const cancelling = b.send('POST', '/executions/a1/cancel')
  await rig.clock.run(1000)
  expect((await cancelling).status).toBe(202)
  await rig.clock.run(5000)
  expect(call.context.signal.aborted).toBe(true)
  call.fail(new Error('aborted'))
  await rig.clock.run(5000)
  expect(await statusOf(a.get('/executions/a1'))).toBe('cancelled')
  expect((await b.send('POST', '/executions/a1/cancel')).status).toBe(202)
})

test('a question is listed and answered at any server', async () => {
  const { a, b } = await askingRig()
  for (const server of [a, b]) {
    const own = (await (await server.get('/executions/a1/inputs')).json()) as { inputs: readonly { inputId: string }[] }
    const all = (await (await server.get('/inputs')).json()) as { inputs: readonly { inputId: string }[] }
    expect([own.inputs, all.inputs].map(inputs => inputs.map(({ inputId }) => inputId))).toEqual([['q.1'], ['q.1']])
  }
  const answering = answer(b, { response: 'yes' })
  await rig.clock.run(1000)
  expect((await answering).status).toBe(204)
  await rig.clock.run(3000)
  expect(await (await b.get('/executions/a1')).json()).toMatchObject({
    status: 'success',
    result: { results: [{ output: 'yes' }] },
  })
})

test('an answer at another server is refused with the status of one server', async () => {
  const { b } = await askingRig()
  const refuse = async (body: object, path?: string): Promise<unknown> => {
    const answering = answer(b, body, path)
    await rig.clock.run(1500)
    const { status, code, issues } = await readProblem(await answering)
    return [status, code, issues === undefined ? 0 : (issues as readonly unknown[]).length]
  }
  expect(await refuse({ response: 1 })).toEqual([422, 'INVALID_RESPONSE', 1])
  expect(await refuse({ response: 'x' }, 'a1/inputs/q.2')).toEqual([404, 'INPUT_NOT_FOUND', 0])
  expect(await refuse({ response: 'x' }, 'none/inputs/q.1')).toEqual([404, 'EXECUTION_NOT_FOUND', 0])
})

test('of answers at two servers at once exactly one counts', async () => {
  const { a, b } = await askingRig()
  const answering = [answer(a, { response: 'a' }), answer(b, { response: 'b' }), answer(b, { decline: true })]
  await rig.clock.run(2000)
  const statuses = await Promise.all(answering.map(async each => (await each).status))
  expect(statuses.toSorted((a, b) => a - b)).toEqual([204, 409, 409])
  await rig.clock.run(3000)
  expect(await statusOf(b.get('/executions/a1'))).not.toBe('running')
})

test('an answer while the coordinator is dead is given to the next one', async () => {
  const { a, b } = await askingRig()
  a.process.die()
  const answering = answer(b, { response: 'yes' })
  await rig.clock.run(LEASE_MS + 3000)
  expect((await answering).status).toBe(204)
  await rig.clock.run(3000)
  expect(await statusOf(b.get('/executions/a1'))).toBe('success')
})

test('a command that no server answers gets 503, and takes effect later', async () => {
  rig = clusterRig()
  const a = rig.server('a')
  await rig.worker('w')
  await settle(rig)
  await a.begin({ workflow: ONE_TASK })
  const call = await rig.tool.nextCall('a')
  a.process.die()
  const b = rig.server('b', { leaseMs: 60_000 })
  const cancelling = b.send('POST', '/executions/a1/cancel')
  await rig.clock.run(66_000 - 10_000)
  rig.store.tables.holders.clear()
  await rig.clock.run(10_000)
  const problem = await readProblem(await cancelling)
  expect([problem.status, problem.code]).toEqual([503, 'COORDINATOR_UNAVAILABLE'])
  call.succeed(1)
})

test('`resume` of an execution that another server runs does nothing; `DELETE` is refused until its end', async () => {
  rig = clusterRig()
  const [a, b] = [rig.server('a'), rig.server('b')]
  await rig.worker('w')
  await a.begin({ workflow: ONE_TASK })
  const call = await rig.tool.nextCall('a')
  const resumed = await b.send('POST', '/executions/a1/resume')
  expect([resumed.status, await resumed.json()]).toEqual([202, { executionId: 'a1', status: 'running' }])
  expect((await b.send('DELETE', '/executions/a1')).status).toBe(409)
  call.succeed(1)
  await rig.clock.run(2000)
  expect((await b.send('POST', '/executions/a1/resume')).status).toBe(409)
  expect((await b.send('DELETE', '/executions/a1')).status).toBe(204)
  expect((await a.get('/executions/a1')).status).toBe(404)
})

test('an execution is forked at another server', async () => {
  rig = clusterRig()
  const [a, b] = [rig.server('a'), rig.server('b')]
  await rig.worker('w')
  await a.begin({ workflow: ONE_TASK })
  ;(await rig.tool.nextCall('a')).succeed(1)
  await rig.clock.run(2000)
  const forked = await b.send('POST', '/executions/a1/fork', { body: {}, headers: { Prefer: 'respond-async' } })
  expect([forked.status, forked.headers.get('execution-id')]).toEqual([202, 'b1'])
  await idle()
  await rig.clock.run(2000)
  expect(await statusOf(a.get('/executions/b1'))).toBe('success')
  expect(rig.tool.started).toEqual(['a'])
})
