import { expect, test } from 'vitest'
import { encode } from '../../src/sse/encode.ts'
import { idle } from '../support/fake-clock.ts'
import { clientRig, collect, collectUntilFailure, idsOf, ONE_TASK } from './client-rig.ts'
import { brokenStream, frames, HeldBody, json, LOG, noContent, refused, RESULT, SHOWN, stream } from './fake-server.ts'

const COMPLETE = 'x.7'

test('the workflow is posted at once, and its events come as they are on the wire', async () => {
  const { client, server, clock } = clientRig([stream(': hello\n\n', frames(1)), json(SHOWN)])
  const run = client.stream(ONE_TASK, { input: 1 })
  await idle()
  expect(server.lines).toEqual(['POST /executions'])
  expect(await collect(run)).toEqual(LOG)
  expect(await run.executionId).toBe('x')
  expect(run.degraded).toBe(false)
  expect(await run.result).toEqual(RESULT)
  expect(server.lines).toEqual(['POST /executions', 'GET /executions/x'])
  expect(server.sent('accept')).toEqual(['text/event-stream', 'application/json'])
  expect(server.requests[0]?.body).toBe(JSON.stringify({ workflow: ONE_TASK, input: 1 }))
  expect(clock.timerCount).toBe(0)
})

test('an event is there the moment it arrives', async () => {
  const held = new HeldBody()
  const { client } = clientRig([held.answer])
  const events = client.stream(ONE_TASK)[Symbol.asyncIterator]()
  for (const [at, event] of LOG.entries()) {
    const next = events.next()
    await idle()
    held.send(frames(at + 1, at + 1))
    expect(await next).toEqual({ done: false, value: event })
  }
  expect(await events.next()).toEqual({ done: true, value: undefined })
})

test('a lost connection is resumed after the last event, and the workflow is not posted again', async () => {
  const answers = [
    brokenStream(frames(1, 2)),
    refused('ECONNRESET'),
    brokenStream(frames(3, 3)),
    stream(frames(4, 5)),
    stream(frames(6)),
  ]
  const { client, server, clock } = clientRig(answers)
  const reading = collect(client.stream(ONE_TASK))
  await clock.run(1000 + 2000 + 4000 + 8000)
  expect(await reading).toEqual(LOG)
  expect(server.lines).toEqual(['POST /executions', ...new Array<string>(4).fill('GET /executions/x/events')])
  expect(server.sent('last-event-id')).toEqual([null, 'x.2', 'x.2', 'x.3', 'x.5'])
  expect(server.sent('idempotency-key').slice(1)).toEqual([null, null, null, null])
  expect(clock.timerCount).toBe(0)
})

test('a stream that breaks before its first event is resumed from the start', async () => {
  const { client, server, clock } = clientRig([brokenStream(': hello\n\n'), stream(frames(1))])
  const reading = collect(client.stream(ONE_TASK))
  await clock.run(1000)
  expect(await reading).toEqual(LOG)
  expect(server.sent('last-event-id')).toEqual([null, null])
})

test('a connection that is silent for 30 s is given up and resumed; comments are a sign of life', async () => {
  const held = new HeldBody()
  const { client, server, clock } = clientRig([held.answer, stream(frames(3))])
  const reading = collect(client.stream(ONE_TASK))
  await idle()
  held.send(frames(1, 2))
  for (let beat = 0; beat < 5; beat++) {
    await clock.run(29_999)
    held.send(':\n\n')
  }
  await clock.run(29_999)
  expect([server.requests.length, held.isCancelled]).toEqual([1, false])
  await clock.run(1)
  expect([server.requests[0]?.signal.aborted, held.isCancelled]).toEqual([true, true])
  await clock.run(1000)
  expect(idsOf(await reading)).toEqual(idsOf(LOG))
  expect([server.sent('last-event-id')[1], clock.timerCount]).toEqual(['x.2', 0])
})

test('a reader that takes its time is not taken for a silent server', async () => {
  const { client, server, clock } = clientRig([stream(frames(1))])
  const events = client.stream(ONE_TASK)[Symbol.asyncIterator]()
  expect((await events.next()).value).toEqual(LOG[0])
  await clock.run(1_000_000)
  expect((await events.next()).value).toEqual(LOG[1])
  expect(server.requests).toHaveLength(1)
  await events.return?.()
})

test('a `204` ends the events, nothing is left to come', async () => {
  const { client, clock } = clientRig([brokenStream(frames(1, 6)), noContent])
  const reading = collect(client.stream(ONE_TASK))
  await clock.run(1000)
  expect(idsOf(await reading)).toEqual(idsOf(LOG.slice(0, 6)))
})

test('an `error` event is passed on, then the stream is resumed', async () => {
  const data = { executionId: 'x', timestamp: '2026-01-01T00:00:00.000Z', error: 'gone', code: 'STORE_FAILED' }
  const fault = encode({ type: 'error', data })
  const { client, server, clock } = clientRig([stream(frames(1, 2), fault), stream(frames(3))])
  const reading = collect(client.stream(ONE_TASK))
  await clock.run(1000)
  expect(await reading).toEqual([...LOG.slice(0, 2), { type: 'error', data }, ...LOG.slice(2)])
  expect(server.sent('last-event-id')[1]).toBe('x.2')
})

test('an `error` event each time is given up like any other failure', async () => {
  const data = { executionId: 'x', timestamp: '2026-01-01T00:00:00.000Z', error: 'gone', code: 'STORE_FAILED' }
  const faults = Array.from({ length: 3 }, () => stream(encode({ type: 'error', data })))
  const { client, clock } = clientRig(faults, { reconnection: { maxRetries: 2 } })
  const reading = collectUntilFailure(client.stream(ONE_TASK))
  await clock.run(3000)
  const { items, error } = await reading
  expect(items).toHaveLength(3)
  expect(error).toMatchObject({ code: 'CONNECTION_LOST', attempts: 3, cause: { cause: data } })
})

test('types that are not known are skipped', async () => {
  const unknown = 'id: x.2\nevent: task_dream\ndata: not even JSON\n\n'
  const { client } = clientRig([stream(frames(1, 1), unknown, frames(3))])
  expect(idsOf(await collect(client.stream(ONE_TASK)))).toEqual(['x.1', 'x.3', 'x.4', 'x.5', 'x.6', COMPLETE])
})

test('a reader of single events with callbacks is notified of reconnections and of void content', async () => {
  const told: unknown[] = []
  const retry = {
    executionId: 'x',
    timestamp: '',
    taskId: 'a',
    attempt: 1,
    delayMs: 0,
    error: 'no',
    code: 'TOOL_ERROR',
  }
  const retried = encode({ type: 'task_retry', data: retry, id: 'x.4' })
  const { client, clock } = clientRig([brokenStream(frames(1, 3)), stream(retried, frames(5))], {
    reconnection: {
      onReconnect: ({ attempt, delayMs }) => void told.push({ attempt, delayMs }),
      onReset: reset => void told.push(reset),
    },
  })
  const reading = (async () => {
    for await (const { id } of client.stream(ONE_TASK)) told.push(id)
  })()
  await clock.run(1000)
  await reading
  const reset = { reason: 'retry', taskId: 'a' }
  expect(told).toEqual(['x.1', 'x.2', 'x.3', { attempt: 1, delayMs: 1000 }, reset, 'x.4', 'x.5', 'x.6', COMPLETE])
})
