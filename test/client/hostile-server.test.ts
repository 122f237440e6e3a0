import { expect, test } from 'vitest'
import { encode } from '../../src/sse/encode.ts'
import { idle } from '../support/fake-clock.ts'
import { clientRig, collectUntilFailure, ONE_TASK } from './client-rig.ts'
import { brokenStream, frames, HeldBody, json, LOG, problem, RESULT, stream } from './fake-server.ts'

const page = (): Response =>
  new Response('<html>Sign in</html>', { headers: { 'Content-Type': 'text/html', 'Execution-Id': 'x' } })

test('a page with status 200, as proxies send, is an error at once', async () => {
  const { client, server } = clientRig([page, page, page])
  const told = { code: 'HTTP_ERROR', status: 200, message: expect.stringContaining('got text/html') as string }
  await expect(client.execute(ONE_TASK)).rejects.toMatchObject(told)
  expect((await collectUntilFailure(client.stream(ONE_TASK))).error).toMatchObject(told)
  expect((await collectUntilFailure(client.subscribe('x'))).error).toMatchObject(told)
  expect(server.requests).toHaveLength(3)
})

test('a page in the middle of an execution ends it too', async () => {
  const { client, clock } = clientRig([brokenStream(frames(1, 2)), page])
  const reading = collectUntilFailure(client.stream(ONE_TASK))
  await clock.run(1000)
  expect(await reading).toMatchObject({ items: LOG.slice(0, 2), error: { code: 'HTTP_ERROR', status: 200 } })
})

test('JSON where a stream was asked for, and a stream where JSON was, are errors', async () => {
  const { client } = clientRig([json(RESULT), stream(frames(1))])
  expect((await collectUntilFailure(client.stream(ONE_TASK))).error).toMatchObject({ code: 'HTTP_ERROR', status: 200 })
  await expect(client.execute(ONE_TASK)).rejects.toMatchObject({ code: 'HTTP_ERROR', status: 200 })
})

test.each([301, 302, 303, 307, 308])(
  'a redirect (%i) is not followed: headers would go elsewhere with it',
  async status => {
    const { client, server } = clientRig([
      () => new Response(null, { status, headers: { Location: 'http://elsewhere/executions' } }),
    ])
    const message = 'POST /executions was redirected: give the `url` that it leads to'
    await expect(client.execute(ONE_TASK)).rejects.toMatchObject({ code: 'HTTP_ERROR', status, message })
    expect(server.requests).toHaveLength(1)
  },
)

test.each([
  ['no id', {}],
  ['an id that leads elsewhere', { 'Execution-Id': '../admin' }],
  ['an id that is too long', { 'Execution-Id': 'x'.repeat(129) }],
])('an answer with %s is refused, and the workflow is not posted again', async (_, headers) => {
  const answer = (): Response => Response.json(RESULT, { headers })
  const { client, server } = clientRig([answer])
  await expect(client.execute(ONE_TASK)).rejects.toMatchObject({
    code: 'HTTP_ERROR',
    message: expect.stringContaining('`Execution-Id`') as string,
  })
  expect(server.requests).toHaveLength(1)
})

test.each([
  ['whose id', { id: 'y.3' }, {}],
  ['whose data', { id: 'x.3' }, { executionId: 'y' }],
  ['without an execution', { id: 'x.3' }, { executionId: undefined }],
  ['with an id that is none', { id: '3' }, {}],
])('an event of another execution ends the reading: one %s says so', async (_, id, data) => {
  const forged = { ...LOG[2], ...id, data: { ...LOG[2]?.data, ...data } } as (typeof LOG)[number]
  const { client, server } = clientRig([stream(frames(1, 2), encode(forged), frames(4))])
  const { items, error } = await collectUntilFailure(client.stream(ONE_TASK))
  expect(items).toEqual(LOG.slice(0, 2))
  expect(error).toMatchObject({ code: 'INVALID_EVENT_ID' })
  expect(server.requests).toHaveLength(1)
})

test.each(['nonsense', '[]', 'null', '5', ''])('an event whose data is %j ends the reading', async data => {
  const { client, server } = clientRig([stream(frames(1, 1), `id: x.2\nevent: token\ndata: ${data}\n\n`)])
  const { items, error } = await collectUntilFailure(client.stream(ONE_TASK))
  expect([items.length, error]).toMatchObject([1, { code: 'INVALID_SSE' }])
  expect(server.requests).toHaveLength(1)
})

test('a message without end is given up at its bound', async () => {
  let sent = 0
  let isCancelled = false
  const chunk = new TextEncoder().encode('x'.repeat(1024 * 1024))
  const endless = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        controller.enqueue(sent === 0 ? new TextEncoder().encode(`${frames(1, 1)}event: token\ndata: `) : chunk)
        sent += 1
      },
      cancel: () => void (isCancelled = true),
    },
    { highWaterMark: 0 },
  )
  const headers = { 'Content-Type': 'text/event-stream', 'Execution-Id': 'x' }
  const { client, server } = clientRig([() => new Response(endless, { headers })])
  const { items, error } = await collectUntilFailure(client.stream(ONE_TASK))
  expect([items.length, error]).toMatchObject([1, { code: 'INVALID_SSE' }])
  await idle()
  expect([sent < 40, isCancelled, server.requests.length]).toEqual([true, true, 1])
})

test('the text of an error is bounded, and its body is optional', async () => {
  const type = { 'Content-Type': 'application/problem+json' }
  const broken = new HeldBody(type).fail()
  const endless = new HeldBody(type)
  const answers = [
    problem(404, { title: 'x'.repeat(10_000), detail: 5, issues: 'none', issueCount: 'many', code: null }),
    () => new Response(broken.body, { status: 404, headers: type }),
    () => new Response(endless.body, { status: 404, headers: type }),
    () => new Response('not JSON', { status: 404, headers: type }),
    () => new Response('<html>', { status: 404 }),
    () => new Response(null, { status: 404 }),
    json(null, { status: 404 }),
  ]
  for (const answer of answers) {
    const { client, clock } = clientRig([answer])
    const asking = client.cancel('x')
    asking.catch(() => {})
    await clock.run(30_000)
    const error: unknown = await asking.catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'HTTP_ERROR', status: 404 })
    expect((error as Error).message.length).toBeLessThan(500)
    expect(clock.timerCount).toBe(0)
  }
  expect(endless.isCancelled).toBe(true)
})

test.each([
  ['301', true],
  ['Thu, 01 Jan 2026 00:05:01 GMT', true],
  ['300', false],
])('a server that asks to wait for more than 5 minutes (%s) is given up at once: %s', async (after, isGivenUp) => {
  const { client, server, clock } = clientRig([problem(429, {}, { 'Retry-After': after }), json(RESULT)])
  const executing = client.execute(ONE_TASK)
  executing.catch(() => {})
  await clock.run(300_000)
  if (isGivenUp) await expect(executing).rejects.toMatchObject({ code: 'CONNECTION_LOST', attempts: 1, status: 429 })
  else expect(await executing).toEqual(RESULT)
  expect(server.requests).toHaveLength(isGivenUp ? 1 : 2)
})

test.each([
  ['2', 2000],
  ['0', 1000],
  [' 30 ', 30_000],
  ['Thu, 01 Jan 2026 00:00:05 GMT', 5000],
  ['Thu, 01 Jan 2025 00:00:05 GMT', 1000],
  ['soon', 1000],
  ['-5', 1000],
  ['1.5', 1500],
  ['', 1000],
])('`Retry-After: %s` is waited for, %i ms', async (after, delayMs) => {
  const { client, server, clock } = clientRig([problem(503, {}, { 'Retry-After': after }), json(RESULT)])
  const executing = client.execute(ONE_TASK)
  await clock.run(delayMs - 1)
  expect(server.requests).toHaveLength(1)
  await clock.run(1)
  expect(await executing).toEqual(RESULT)
})

test('an error whose body is over its bound is reported by its status', async () => {
  const headers = { 'Content-Type': 'application/problem+json' }
  const held = new HeldBody().send(`{"title":"${'x'.repeat(1024 * 1024)}`)
  const { client } = clientRig([() => new Response(held.body, { status: 404, headers })])
  await expect(client.cancel('x')).rejects.toMatchObject({ status: 404, details: { status: 404 } })
  await idle()
  expect(held.isCancelled).toBe(true)
})

test('an answer that arrives after the timeout is released', async () => {
  const late = new HeldBody({ 'Content-Type': 'application/json' })
  let answer: (() => void) | undefined
  const slow = (): Promise<Response> => new Promise(resolve => (answer = () => resolve(late.answer())))
  const { client, clock } = clientRig([slow, json(RESULT)])
  const executing = client.execute(ONE_TASK)
  await clock.run(31_000)
  expect(await executing).toEqual(RESULT)
  answer?.()
  await idle()
  expect([late.isCancelled, clock.timerCount]).toEqual([true, 0])
})
