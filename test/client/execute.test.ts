import { expect, test } from 'vitest'
import { idle } from '../support/fake-clock.ts'
import { clientRig, ONE_TASK } from './client-rig.ts'
import {
  brokenStream,
  frames,
  HeldBody,
  json,
  noContent,
  problem,
  refused,
  RESULT,
  SHOWN,
  silent,
  stream,
} from './fake-server.ts'

const JSON_TYPE = { 'Content-Type': 'application/json' }

test('a workflow is posted with its input and options under a random key, and its result comes back', async () => {
  const { client, server, clock } = clientRig([json(RESULT), json(RESULT)])
  const options = { schedule: 'dataflow', onDisconnect: { graceMs: 5 } } as const
  expect(await client.execute(ONE_TASK, { input: { a: 1 }, options })).toEqual(RESULT)
  expect(await client.execute(ONE_TASK)).toEqual(RESULT)
  expect(server.lines).toEqual(['POST /executions', 'POST /executions'])
  expect(server.requests.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
    { workflow: ONE_TASK, input: { a: 1 }, options },
    { workflow: ONE_TASK },
  ])
  expect(server.sent('accept')).toEqual(['application/json', 'application/json'])
  expect(server.sent('content-type')).toEqual(['application/json', 'application/json'])
  const keys = server.sent('idempotency-key')
  expect(keys.every(key => /^[0-9a-f]{32}$/.test(key ?? ''))).toBe(true)
  expect(new Set(keys).size).toBe(2)
  expect(clock.timerCount).toBe(0)
})

test('white space before the result keeps the connection alive', async () => {
  const held = new HeldBody(JSON_TYPE)
  const { client, clock } = clientRig([held.answer])
  const executing = client.execute(ONE_TASK)
  for (let beat = 0; beat < 10; beat++) {
    await clock.run(8000)
    held.send('\n')
  }
  await idle()
  held.send(JSON.stringify(RESULT)).end()
  expect(await executing).toEqual(RESULT)
})

test('the request is repeated under the same key until headers arrive, whatever the network does', async () => {
  const busy = problem(503, { title: 'Draining' }, { 'Retry-After': '7' })
  const { client, server, clock } = clientRig([refused(), busy, silent, refused('UND_ERR_SOCKET'), json(RESULT)])
  const executing = client.execute(ONE_TASK)
  await clock.run(1000)
  expect(server.requests).toHaveLength(2)
  await clock.run(6999)
  expect(server.requests).toHaveLength(2)
  await clock.run(1)
  expect(server.requests).toHaveLength(3)
  // 30 s of silence, then the third delay.
  await clock.run(34_000)
  await clock.run(8000)
  expect(await executing).toEqual(RESULT)
  expect(server.lines).toEqual(new Array(5).fill('POST /executions'))
  expect(new Set(server.sent('idempotency-key')).size).toBe(1)
  expect([server.requests[2]?.signal.aborted, clock.timerCount]).toEqual([true, 0])
})

test.each([
  ['broken', (held: HeldBody) => held.send('\n{"exec').fail()],
  ['broken by whatever a body of this process fails with', (held: HeldBody) => held.fail(new Error('some reason'))],
  ['cut without an error', (held: HeldBody) => held.send('\n{"exec').end()],
  ['empty', (held: HeldBody) => held.end()],
  ['of another execution', (held: HeldBody) => held.send(JSON.stringify({ ...RESULT, executionId: 'y' })).end()],
  ['an error', (held: HeldBody) => held.send('{"title":"Internal error","status":500}').end()],
])('a body that is %s is never posted again: the events are followed to the end', async (_, feed) => {
  const held = new HeldBody(JSON_TYPE)
  feed(held)
  const answers = [held.answer, brokenStream(frames(1, 3)), stream(frames(4)), json(SHOWN)]
  const { client, server, clock } = clientRig(answers)
  const executing = client.execute(ONE_TASK)
  await clock.run(1000)
  expect(await executing).toEqual(RESULT)
  expect(server.lines).toEqual([
    'POST /executions',
    'GET /executions/x/events',
    'GET /executions/x/events',
    'GET /executions/x',
  ])
  expect(server.sent('last-event-id')).toEqual([null, null, 'x.3', null])
  expect(clock.timerCount).toBe(0)
})

test('a body that falls silent counts as lost after 30 s', async () => {
  const held = new HeldBody(JSON_TYPE)
  const { client, server, clock } = clientRig([held.answer, noContent, json(SHOWN)])
  const executing = client.execute(ONE_TASK)
  await clock.run(20_000)
  held.send('\n')
  await clock.run(29_999)
  expect(server.requests).toHaveLength(1)
  await clock.run(1)
  expect(await executing).toEqual(RESULT)
  expect([held.isCancelled, server.requests[0]?.signal.aborted]).toEqual([true, true])
})

test('a result that is not there yet at the end of the stream is asked for again', async () => {
  const notYet = json({ executionId: 'x', status: 'running' })
  const taken = json({ executionId: 'x', status: 'pending' }, { status: 202 })
  const { client, server, clock } = clientRig([taken, noContent, notYet, refused(), json(SHOWN)])
  const executing = client.execute(ONE_TASK)
  await clock.run(3000)
  expect(await executing).toEqual(RESULT)
  expect(server.lines.slice(1)).toEqual(['GET /executions/x/events', ...new Array<string>(3).fill('GET /executions/x')])
})

test('a refused workflow rejects at once with the problem', async () => {
  const issues = [{ code: 'UNKNOWN_TOOL', pointer: '/tasks/0/tool', message: 'no' }]
  const told = { title: 'Invalid workflow', detail: 'One issue', code: 'INVALID_WORKFLOW', issues, issueCount: 1 }
  const { client, server, clock } = clientRig([problem(422, { ...told, instance: '/elsewhere' })])
  const error: unknown = await client.execute(ONE_TASK).catch((reason: unknown) => reason)
  expect(error).toMatchObject({
    code: 'HTTP_ERROR',
    status: 422,
    message: 'POST /executions was answered with 422: Invalid workflow: One issue',
    details: { ...told, status: 422 },
  })
  expect(Object.keys((error as { details: object }).details)).not.toContain('instance')
  expect([server.requests.length, clock.timerCount]).toEqual([1, 0])
})

test.each([400, 401, 403, 404, 405, 406, 408, 409, 413, 415])('a %i is not retried', async status => {
  const { client, server } = clientRig([problem(status, { title: 'No' })])
  await expect(client.execute(ONE_TASK)).rejects.toMatchObject({ code: 'HTTP_ERROR', status })
  expect(server.requests).toHaveLength(1)
})

test('giving up says how often it was tried and what the server said last', async () => {
  const answers = new Array(11).fill(problem(503, { title: 'Busy' }))
  const { client, server, clock } = clientRig(answers)
  const executing = client.execute(ONE_TASK)
  executing.catch(() => {})
  // 1 + 2 + 4 + 8 s, then 10 s six times.
  await clock.run(74_999)
  expect(server.requests).toHaveLength(10)
  await clock.run(1)
  await expect(executing).rejects.toMatchObject({
    code: 'CONNECTION_LOST',
    attempts: 11,
    status: 503,
    details: { attempts: 11, status: 503 },
    cause: { code: 'HTTP_ERROR', status: 503, details: { title: 'Busy' } },
  })
  expect([server.requests.length, clock.timerCount]).toEqual([11, 0])
})

test('the signal ends the waiting with its reason, at any moment, and cancels nothing', async () => {
  const reason = new Error('enough')
  for (const answers of [[silent], [refused()], [new HeldBody(JSON_TYPE).answer], [refused(), silent]]) {
    const { client, server, clock } = clientRig(answers)
    const controller = new AbortController()
    const executing = client.execute(ONE_TASK, { signal: controller.signal })
    executing.catch(() => {})
    await clock.run(1000 * (answers.length - 1))
    controller.abort(reason)
    await expect(executing).rejects.toBe(reason)
    await idle()
    expect([clock.timerCount, server.lines.filter(line => line.includes('cancel'))]).toEqual([0, []])
  }
})

test('a signal that is aborted already sends nothing', async () => {
  const { client, server } = clientRig([])
  const signal = AbortSignal.abort('no')
  await expect(client.execute(ONE_TASK, { signal })).rejects.toBe('no')
  expect(server.requests).toEqual([])
})

test('cancelling is repeated until the server has taken it on', async () => {
  const { client, server, clock } = clientRig([
    refused(),
    json({ executionId: 'x', status: 'running' }, { status: 202 }),
  ])
  const cancelling = client.cancel('x')
  await clock.run(1000)
  expect(await cancelling).toBeUndefined()
  expect(server.lines).toEqual(['POST /executions/x/cancel', 'POST /executions/x/cancel'])
  expect(new Set(server.sent('idempotency-key')).size).toBe(1)
  await expect(clientRig([problem(404, { title: 'Not found' })]).client.cancel('x')).rejects.toMatchObject({
    status: 404,
  })
})
