import { expect, test } from 'vitest'
import { idle } from '../support/fake-clock.ts'
import { clientRig, collect, idsOf, ONE_TASK } from './client-rig.ts'
import { brokenStream, frames, HeldBody, json, LOG, noContent, refused, RESULT, SHOWN, stream } from './fake-server.ts'

test('without anybody iterating the result follows the stream itself', async () => {
  const held = new HeldBody()
  const { client, server, clock } = clientRig([held.answer, json(SHOWN)])
  const run = client.stream(ONE_TASK)
  const { result } = run
  let isThere = false
  void result.then(() => (isThere = true))
  held.send(frames(1, 6))
  await idle()
  expect([isThere, server.requests.length]).toEqual([false, 1])
  held.send(frames(7)).end()
  expect(await result).toEqual(RESULT)
  expect(run.result).toBe(result)
  expect([server.lines, clock.timerCount]).toEqual([['POST /executions', 'GET /executions/x'], 0])
})

test('the result survives lost connections too, and clears nothing that a reader sees', async () => {
  const told: unknown[] = []
  const answers = [brokenStream(frames(1, 2)), refused(), stream(frames(3)), refused(), json(SHOWN)]
  const { client, clock } = clientRig(answers, { reconnection: { onReset: reset => void told.push(reset) } })
  const { result } = client.stream(ONE_TASK)
  await clock.run(1000 + 2000 + 1000)
  expect(await result).toEqual(RESULT)
  expect(told).toEqual([])
})

test('beside a reader who continues, the result opens no connection of its own', async () => {
  const held = new HeldBody()
  const { client, server, clock } = clientRig([held.answer, json(SHOWN)])
  const run = client.stream(ONE_TASK)
  const both = Promise.all([collect(run), run.result])
  for (let seq = 1; seq <= LOG.length; seq++) {
    await clock.run(10_000)
    held.send(frames(seq, seq))
  }
  held.end()
  expect(await both).toEqual([LOG, RESULT])
  expect([server.lines, clock.timerCount]).toEqual([['POST /executions', 'GET /executions/x'], 0])
})

test('a reader who leaves hands over to the result, which continues after them', async () => {
  const held = new HeldBody().send(frames(1, 3))
  const { client, server, clock } = clientRig([held.answer, stream(frames(4)), json(SHOWN)])
  const run = client.stream(ONE_TASK)
  let result: Promise<unknown> | undefined
  for await (const event of run) {
    result = run.result
    if (event.type === 'token') break
  }
  expect(await result).toEqual(RESULT)
  expect(server.sent('last-event-id')).toEqual([null, 'x.3', null])
  expect(clock.timerCount).toBe(0)
})

test('a reader who waits for the result inside the loop gets it', async () => {
  const held = new HeldBody().send(frames(1, 3))
  const { client, clock } = clientRig([held.answer, stream(frames(2)), json(SHOWN)])
  const run = client.stream(ONE_TASK)
  const seen: unknown[] = []
  const reading = (async () => {
    for await (const { id } of run) {
      seen.push(id)
      if (id === 'x.1') seen.push(await run.result)
    }
  })()
  await clock.run(2000)
  held.send(frames(4)).end()
  await reading
  expect(seen).toEqual(['x.1', RESULT, ...idsOf(LOG.slice(1))])
  expect(clock.timerCount).toBe(0)
})

test('a reader who stops at the last event has seen the end', async () => {
  const { client, server } = clientRig([stream(frames(1)), json(SHOWN)])
  const run = client.stream(ONE_TASK)
  for await (const event of run) if (event.type === 'execution_complete') break
  expect(await run.result).toEqual(RESULT)
  expect(server.lines).toEqual(['POST /executions', 'GET /executions/x'])
})

test('the result of an execution that exists is had without its workflow', async () => {
  const { client, server } = clientRig([noContent, json(SHOWN)])
  expect(await client.subscribe('x', { after: 'x.7' }).result).toEqual(RESULT)
  expect(server.lines).toEqual(['GET /executions/x/events', 'GET /executions/x'])
  expect(server.sent('last-event-id')).toEqual(['x.7', null])
})

test('subscribing requests nothing until it is read, and begins after the given event', async () => {
  const { client, server, clock } = clientRig([refused(), stream(frames(4))])
  const run = client.subscribe('x', { after: 'x.3' })
  expect(await run.executionId).toBe('x')
  await idle()
  expect(server.requests).toEqual([])
  const reading = collect(run)
  await clock.run(1000)
  expect(await reading).toEqual(LOG.slice(3))
  expect(server.sent('last-event-id')).toEqual(['x.3', 'x.3'])
})

test('a place that is invalid, or of another execution, is refused before anything is asked', () => {
  const { client, server } = clientRig([])
  for (const after of ['x', 'x.-1', 'y.3', '', 5 as unknown as string]) {
    expect(() => client.subscribe('x', { after })).toThrow(expect.objectContaining({ code: 'INVALID_EVENT_ID' }))
  }
  for (const id of ['', '../admin', 'a/b', 'ä', 'x'.repeat(129), undefined as unknown as string]) {
    expect(() => client.subscribe(id)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  }
  expect(server.requests).toEqual([])
})
