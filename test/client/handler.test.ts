import type { SSEEvent } from 'dagstream/client'
import { expect, test } from 'vitest'
import type { DAGStructure } from '../../src/index.ts'
import { collect, idsOf, ONE_TASK } from './client-rig.ts'
import { handlerRig } from './handler-rig.ts'

// The client against the handler itself, in one process and on one clock.

const CHAIN: DAGStructure = {
  tasks: [
    { id: 'a', tool: 'work' },
    { id: 'b', tool: 'work', arguments: { from: '$OUTPUT[a]' } },
  ],
}

test('the same result comes by waiting, by streaming and by asking afterwards', async () => {
  const { call, client } = handlerRig()
  const waiting = client.execute(CHAIN)
  ;(await call('a')).succeed(1)
  ;(await call('b')).succeed(2)
  const waited = await waiting
  expect(waited).toMatchObject({ status: 'success', successCount: 2 })
  const run = client.stream(CHAIN)
  const reading = collect(run)
  ;(await call('a')).succeed(1)
  const one = await call('b')
  expect(one.args).toEqual({ from: 1 })
  one.succeed(2)
  const events = await reading
  const executionId = await run.executionId
  expect(events.map(({ type }) => type)).toEqual([
    'execution_start',
    'task_start',
    'task_complete',
    'task_start',
    'task_complete',
    'execution_complete',
  ])
  expect(idsOf(events)).toEqual(events.map((_, at) => `${executionId}.${at + 1}`))
  const streamed = await run.result
  expect({ ...streamed, executionId: 'x' }).toEqual({ ...waited, executionId: 'x' })
  const again = client.subscribe(executionId)
  expect(await collect(again)).toEqual(events)
  expect(await again.result).toEqual(streamed)
  expect(await collect(client.subscribe(executionId, { after: `${executionId}.4` }))).toEqual(events.slice(4))
  expect(await collect(client.subscribe(executionId, { after: `${executionId}.6` }))).toEqual([])
})

test('connections that break in the middle lose nothing, and nothing runs twice', async () => {
  const { tool, call, client, pass, cut, lines } = handlerRig()
  const run = client.stream(CHAIN)
  const events: SSEEvent[] = []
  const reading = (async () => {
    for await (const event of run) events.push(event)
  })()
  const a = await call('a')
  for (const text of ['one ', 'two ', 'three']) {
    a.context.emitToken(text)
    await tool.idle()
    cut()
    await pass(15_000)
  }
  a.succeed('done')
  ;(await call('b')).succeed()
  await reading
  expect(events.flatMap(event => (event.type === 'token' ? [event.data.text] : []))).toEqual(['one ', 'two ', 'three'])
  expect(events.map(({ id }) => Number(id?.split('.')[1]))).toEqual(events.map((_, at) => at + 1))
  expect(tool.started).toEqual(['a', 'b'])
  expect(lines.slice(1)).toEqual(new Array<string>(3).fill('GET /executions/x/events'))
})

test('waiting for a result survives a broken connection, its workflow run once', async () => {
  const { tool, call, client, pass, cut, lines } = handlerRig()
  const waiting = client.execute(ONE_TASK)
  const one = await call('a')
  await tool.idle()
  cut()
  await pass(1000)
  one.succeed('done')
  expect(await waiting).toMatchObject({ status: 'success', results: [{ output: 'done' }] })
  expect([tool.started, lines]).toEqual([['a'], ['POST /executions', 'GET /executions/x/events', 'GET /executions/x']])
})

test('heartbeats keep the connections of a long task alive', async () => {
  const { call, client, pass, lines } = handlerRig()
  const waiting = client.execute(ONE_TASK)
  const run = client.stream(ONE_TASK)
  const { result } = run
  const calls = [await call('a'), await call('a')]
  await pass(10 * 60_000)
  for (const one of calls) one.succeed()
  expect([(await waiting).status, (await result).status]).toEqual(['success', 'success'])
  expect(lines.filter(line => line.startsWith('GET'))).toEqual(['GET /executions/x'])
})

test('a large output is reported by its path in the events, and whole in the result', async () => {
  const { call, client } = handlerRig()
  const run = client.stream(ONE_TASK)
  const reading = collect(run)
  const output = 'x'.repeat(200_000)
  ;(await call('a')).succeed(output)
  const complete = (await reading).find(event => event.type === 'task_complete')
  expect(complete?.data).toMatchObject({ outputBytes: 200_002 })
  expect((await run.result).results[0]?.output).toBe(output)
})

test('cancelling reaches the tool; leaving does not', async () => {
  const { tool, call, client } = handlerRig()
  const run = client.stream(ONE_TASK)
  const one = await call('a')
  for await (const event of run) if (event.type === 'task_start') break
  await tool.idle()
  expect(one.context.signal.aborted).toBe(false)
  const { result } = run
  await run.cancel()
  await tool.idle()
  expect(one.context.signal.aborted).toBe(true)
  one.fail()
  expect(await result).toMatchObject({ status: 'cancelled', reason: { code: 'CANCELLED' } })
  await run.cancel()
})

test('a client that leaves for good lets the execution end after the grace', async () => {
  const { tool, call, client, pass } = handlerRig()
  const run = client.stream(ONE_TASK, { options: { onDisconnect: { graceMs: 5000 } } })
  const one = await call('a')
  for await (const event of run) if (event.type === 'task_start') break
  await tool.idle()
  await pass(4999)
  expect(one.context.signal.aborted).toBe(false)
  await pass(1)
  expect(one.context.signal.aborted).toBe(true)
  one.fail()
  expect(await run.result).toMatchObject({ status: 'cancelled', reason: { code: 'DISCONNECTED' } })
})

test('a reader who falls asleep is disconnected by the server, wakes up and misses nothing', async () => {
  const { call, client, pass, lines } = handlerRig()
  const run = client.stream(CHAIN)
  const events = run[Symbol.asyncIterator]()
  const seen = [(await events.next()).value, (await events.next()).value]
  const a = await call('a')
  const next = events.next()
  a.context.emitToken('one')
  seen.push((await next).value)
  await pass(29_000)
  a.context.emitToken('two')
  await pass(2000)
  const rest = (async () => {
    for (let step = await events.next(); step.done !== true; step = await events.next()) seen.push(step.value)
  })()
  await pass(5000)
  a.succeed()
  ;(await call('b')).succeed()
  await rest
  expect(seen.map(event => Number(event?.id?.split('.')[1]))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(lines).toEqual(['POST /executions', 'GET /executions/x/events'])
})

test('an invalid workflow, a wrong token and an unknown execution are reported as they are', async () => {
  const { client } = handlerRig({ token: 'right' }, { headers: { Authorization: 'Bearer right' } })
  await expect(client.execute({ tasks: [{ id: 'a', tool: 'wrok' }] })).rejects.toMatchObject({
    code: 'HTTP_ERROR',
    status: 422,
    details: { code: 'INVALID_WORKFLOW', issues: [{ code: 'UNKNOWN_TOOL', hint: expect.anything() as unknown }] },
  })
  await expect(client.subscribe('unknown').result).rejects.toMatchObject({ status: 404 })
  await expect(client.cancel('unknown')).rejects.toMatchObject({ status: 404 })
  const stranger = handlerRig({ token: 'right' }).client
  await expect(stranger.stream(ONE_TASK).result).rejects.toMatchObject({ status: 401 })
})

test('a full server is waited for', async () => {
  const { call, client, pass, lines } = handlerRig({ maxExecutions: 1 })
  // Either may be the one that finds the place.
  const both = [client.execute(ONE_TASK), client.execute(ONE_TASK)]
  const one = await call('a')
  await pass(1000)
  one.succeed(1)
  await Promise.race(both)
  await pass(60_000)
  ;(await call('a')).succeed(2)
  const results = await Promise.all(both)
  expect(new Set(results.map(({ results: [task] }) => task?.output))).toEqual(new Set([1, 2]))
  expect(lines.filter(line => line === 'POST /executions').length).toBeGreaterThan(2)
})
