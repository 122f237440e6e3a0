import { expect, test } from 'vitest'
import { DagstreamError } from '../../src/client/index.ts'
import { idle } from '../support/fake-clock.ts'
import { clientRig, collectUntilFailure, ONE_TASK } from './client-rig.ts'
import { HeldBody, json, problem, refused, silent } from './fake-server.ts'

const aborted = (mayRun: boolean): object => ({ code: 'CANCELLED', details: { mayRun } })

test('cancelling between two tries ends the trying at once, for all who wait', async () => {
  const { client, server, clock } = clientRig([problem(503, { code: 'SHUTTING_DOWN' }, { 'Retry-After': '60' })])
  const run = client.stream(ONE_TASK)
  const reading = collectUntilFailure(run)
  await idle()
  expect(clock.timerCount).toBe(1)
  expect(await run.cancel()).toBeUndefined()
  expect(await run.cancel()).toBeUndefined()
  expect((await reading).error).toMatchObject(aborted(false))
  await expect(run.result).rejects.toMatchObject(aborted(false))
  await expect(run.executionId).rejects.toBeInstanceOf(DagstreamError)
  await clock.run(120_000)
  expect([server.requests.length, clock.timerCount]).toEqual([1, 0])
})

test('a request that is under way is given up when it is not answered within a second', async () => {
  const { client, server, clock } = clientRig([silent])
  const run = client.stream(ONE_TASK)
  await idle()
  const cancelling = run.cancel().catch((error: unknown) => error)
  await clock.run(999)
  expect(server.requests[0]?.signal.aborted).toBe(false)
  await clock.run(1)
  expect(await cancelling).toMatchObject(aborted(true))
  expect((await collectUntilFailure(run)).error).toMatchObject(aborted(true))
  expect([server.requests[0]?.signal.aborted, server.requests.length, clock.timerCount]).toEqual([true, 1, 0])
})

test.each([
  ['an answer of the server says that it has not taken it on', problem(429), false],
  ['nobody knows what became of it where the connection broke', refused('ECONNRESET'), true],
  ['nobody knows what became of it where a gateway answers', problem(502), true],
])('a request that fails after cancelling is not repeated: %s', async (_, answer, mayRun) => {
  let fail = (): void => {}
  const { client, server, clock } = clientRig([
    request => new Promise(resolve => (fail = () => resolve(answer(request)))),
  ])
  const run = client.stream(ONE_TASK)
  await idle()
  const cancelling = run.cancel().catch((error: unknown) => error)
  fail()
  expect(await cancelling).toEqual(mayRun ? expect.objectContaining(aborted(true)) : undefined)
  await expect(run.result).rejects.toMatchObject(aborted(mayRun))
  await clock.run(60_000)
  expect([server.requests.length, clock.timerCount]).toEqual([1, 0])
})

test('the signal of a cancellation ends its retries, and nothing else', async () => {
  const reason = new Error('enough')
  const held = new HeldBody()
  const { client, clock } = clientRig([held.answer, refused(), json({}, { status: 202 })])
  const run = client.stream(ONE_TASK)
  const reading = run[Symbol.asyncIterator]()
  await run.executionId
  const controller = new AbortController()
  const cancelling = run.cancel({ signal: controller.signal }).catch((error: unknown) => error)
  await idle()
  controller.abort(reason)
  expect([await cancelling, clock.timerCount]).toEqual([reason, 0])
  await expect(client.cancel('x', { signal: controller.signal })).rejects.toBe(reason)
  expect(await client.cancel('x')).toBeUndefined()
  await reading.return?.()
})

test('a wrong option of a cancellation is refused', async () => {
  const { client, server } = clientRig([])
  const run = client.subscribe('x')
  for (const options of [null, { signal: 5 }, { timeoutMs: 5 }] as never[]) {
    await expect(run.cancel(options)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(client.cancel('x', options)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  }
  expect(server.requests).toEqual([])
})

test('tools that are unavailable are reported at once; a server that starts or ends is asked again', async () => {
  const unavailable = problem(503, { code: 'TOOLS_UNAVAILABLE', reference: 'r1' }, { 'Retry-After': '5' })
  const { client, server, clock } = clientRig([problem(503, { code: 'SHUTTING_DOWN' }), unavailable])
  const executing = client.execute(ONE_TASK).catch((error: unknown) => error)
  await clock.run(1000)
  expect(await executing).toMatchObject({
    code: 'HTTP_ERROR',
    status: 503,
    message: 'POST /executions was answered with 503 (reference r1)',
    details: { code: 'TOOLS_UNAVAILABLE', reference: 'r1', retryAfterMs: 5000 },
  })
  expect([server.requests.length, clock.timerCount]).toEqual([2, 0])
})
