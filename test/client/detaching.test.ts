import { expect, test } from 'vitest'
import { idle } from '../support/fake-clock.ts'
import { clientRig, collect, collectUntilFailure, idsOf, ONE_TASK } from './client-rig.ts'
import { frames, HeldBody, json, LOG, problem, refused, RESULT, SHOWN, stream } from './fake-server.ts'

test('leaving the loop only detaches: the request is aborted, nothing is cancelled', async () => {
  const held = new HeldBody().send(frames(1, 2))
  const { client, server, clock } = clientRig([held.answer])
  for await (const event of client.stream(ONE_TASK)) if (event.type === 'task_start') break
  await idle()
  expect([held.isCancelled, server.requests[0]?.signal.aborted, clock.timerCount]).toEqual([true, true, 0])
  expect(server.lines).toEqual(['POST /executions'])
})

test('leaving while an event is awaited ends that wait too', async () => {
  const held = new HeldBody()
  const { client, clock } = clientRig([held.answer])
  const events = client.stream(ONE_TASK)[Symbol.asyncIterator]()
  const next = events.next()
  await idle()
  await events.return?.()
  expect(await next).toEqual({ done: true, value: undefined })
  await idle()
  expect([held.isCancelled, clock.timerCount]).toEqual([true, 0])
})

test('leaving before the answer releases it when it comes; the execution is still known', async () => {
  const held = new HeldBody()
  let answer: (() => void) | undefined
  const late = (): Promise<Response> => new Promise(resolve => void (answer = () => resolve(held.answer())))
  const { client, clock } = clientRig([late, stream(frames(1)), json(SHOWN)])
  const run = client.stream(ONE_TASK)
  const events = run[Symbol.asyncIterator]()
  const next = events.next()
  await idle()
  await events.return?.()
  expect((await next).done).toBe(true)
  answer?.()
  expect(await run.executionId).toBe('x')
  await idle()
  expect([held.isCancelled, clock.timerCount]).toEqual([true, 0])
  expect(await run.result).toEqual(RESULT)
})

test('each further iterator is a subscription of its own, from the first event', async () => {
  const held = new HeldBody().send(frames(1, 3))
  const { client, server } = clientRig([held.answer, stream(frames(1))])
  const run = client.stream(ONE_TASK)
  const first = run[Symbol.asyncIterator]()
  expect((await first.next()).value).toEqual(LOG[0])
  expect(await collect(run)).toEqual(LOG)
  expect(server.lines).toEqual(['POST /executions', 'GET /executions/x/events'])
  expect(server.sent('last-event-id')[1]).toBe(null)
  held.send(frames(4)).end()
  expect(idsOf(await collect({ [Symbol.asyncIterator]: () => first }))).toEqual(idsOf(LOG.slice(1)))
})

test('cancelling waits for the id and asks the server', async () => {
  const held = new HeldBody()
  let answer = (): void => {}
  const { client, server, clock } = clientRig([
    () => new Promise(resolve => (answer = () => resolve(held.answer()))),
    json({}, { status: 202 }),
    json({}, { status: 202 }),
  ])
  const run = client.stream(ONE_TASK)
  await idle()
  const cancelling = run.cancel()
  await clock.run(999)
  answer()
  await cancelling
  await run.cancel()
  expect(server.lines.slice(1)).toEqual(['POST /executions/x/cancel', 'POST /executions/x/cancel'])
  expect(clock.timerCount).toBe(0)
  // A stream that nobody reads is left behind on purpose: cancelling is not reading.
  expect(held.isCancelled).toBe(false)
})

test('a refused workflow rejects all pending calls, without unhandled rejections', async () => {
  const { client, server } = clientRig([problem(422, { title: 'Invalid workflow', code: 'INVALID_WORKFLOW' })])
  const run = client.stream(ONE_TASK)
  await idle()
  const told = { code: 'HTTP_ERROR', status: 422, details: { code: 'INVALID_WORKFLOW' } }
  await expect(run.executionId).rejects.toMatchObject(told)
  await expect(run.result).rejects.toMatchObject(told)
  await expect(run.cancel()).rejects.toMatchObject(told)
  expect(await collectUntilFailure(run)).toMatchObject({ items: [], error: told })
  expect(await collectUntilFailure(run)).toMatchObject({ items: [], error: told })
  expect(server.requests).toHaveLength(1)
})

test('a server that cannot be reached is reported once, to all who ask', async () => {
  const { client, server, clock } = clientRig(new Array(3).fill(refused()), { reconnection: { maxRetries: 2 } })
  const run = client.stream(ONE_TASK)
  const reading = collectUntilFailure(run)
  await clock.run(3000)
  expect((await reading).error).toMatchObject({ code: 'CONNECTION_LOST', attempts: 3 })
  await expect(run.result).rejects.toMatchObject({ code: 'CONNECTION_LOST', attempts: 3 })
  expect([server.requests.length, clock.timerCount]).toEqual([3, 0])
})

test('the signal ends the reading with its reason; the execution can still be cancelled', async () => {
  const reason = new Error('enough')
  const controller = new AbortController()
  const held = new HeldBody().send(frames(1, 2))
  const { client, server, clock } = clientRig([held.answer, json({}, { status: 202 })])
  const run = client.stream(ONE_TASK, { signal: controller.signal })
  const reading = collectUntilFailure(run)
  await idle()
  controller.abort(reason)
  expect(await reading).toEqual({ items: LOG.slice(0, 2), error: reason })
  await expect(run.result).rejects.toBe(reason)
  await run.cancel()
  expect(server.lines).toEqual(['POST /executions', 'POST /executions/x/cancel'])
  expect([held.isCancelled, clock.timerCount]).toEqual([true, 0])
})
