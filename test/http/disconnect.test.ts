import { expect, test } from 'vitest'
import { handleSSERequest, handleWorkflowRequest } from '../../src/index.ts'
import { ONE_TASK, request, requestRig } from './request-rig.ts'

const DISCONNECTED = { code: 'DISCONNECTED', message: 'The client disconnected' }

test('a client that cancels the body cancels the execution and aborts its tools', async () => {
  const { tool, clock, options, stored, last } = requestRig()
  const response = await handleSSERequest(request(), ONE_TASK, options)
  const call = await tool.nextCall('a')
  expect([call.context.signal.aborted, stored()]).toEqual([false, 'running'])
  await response.body?.cancel()
  expect(call.context.signal.aborted).toBe(true)
  call.fail()
  await tool.idle()
  expect(last()).toMatchObject({ status: 'cancelled', reason: DISCONNECTED, cancelledCount: 1 })
  expect(clock.timerCount).toBe(0)
})

test('a client that cancels while it waits for the next bytes is not an error', async () => {
  const { tool, clock, options, stored } = requestRig()
  const response = await handleSSERequest(request(), ONE_TASK, options)
  const reader = response.body?.getReader()
  const call = await tool.nextCall('a')
  await reader?.read()
  await reader?.read()
  const waiting = reader?.read()
  await tool.idle()
  await reader?.cancel('gone')
  expect(await waiting).toEqual({ done: true, value: undefined })
  call.fail()
  await tool.idle()
  expect([stored(), clock.timerCount]).toEqual(['cancelled', 0])
})

test('a client may be gone for the grace, and not longer', async () => {
  const { tool, clock, options, last } = requestRig({ onDisconnect: { graceMs: 1000 } })
  const response = await handleSSERequest(request(), ONE_TASK, options)
  const call = await tool.nextCall('a')
  await response.body?.cancel()
  await clock.run(999)
  expect(call.context.signal.aborted).toBe(false)
  await clock.run(1)
  expect(call.context.signal.aborted).toBe(true)
  call.fail()
  await tool.idle()
  expect([last()['reason'], clock.timerCount]).toEqual([DISCONNECTED, 0])
})

test('an execution that ends within the grace has ended by itself, and no timer is left', async () => {
  const { tool, clock, options, last } = requestRig({ onDisconnect: { graceMs: 1000 } })
  const response = await handleSSERequest(request(), ONE_TASK, options)
  const call = await tool.nextCall('a')
  await response.body?.cancel()
  await clock.run(500)
  call.succeed()
  await tool.idle()
  expect([last()['status'], clock.timerCount]).toEqual(['success', 0])
})

test('with "continue" no client needs to stay', async () => {
  const { tool, options, stored } = requestRig({ onDisconnect: 'continue' })
  const response = await handleSSERequest(request(), ONE_TASK, options)
  await response.body?.cancel()
  const controller = new AbortController()
  const batch = handleWorkflowRequest(request('application/json', { signal: controller.signal }), ONE_TASK, {
    ...options,
    createId: () => 'y',
  })
  const calls = await tool.nextCalls('a', 'a')
  controller.abort()
  await tool.idle()
  expect(calls.map(({ context }) => context.signal.aborted)).toEqual([false, false])
  for (const call of calls) call.succeed()
  expect(await (await batch).json()).toMatchObject({ status: 'success' })
  expect(stored()).toBe('success')
})

test('a client that leaves after the end changes nothing', async () => {
  const { tool, clock, options, last } = requestRig({ onDisconnect: { graceMs: 10 } })
  const response = await handleSSERequest(request(), ONE_TASK, options)
  ;(await tool.nextCall('a')).succeed()
  await tool.idle()
  await response.body?.cancel()
  await clock.run(20)
  expect([last()['status'], last()['reason'], clock.timerCount]).toEqual(['success', undefined, 0])
})

test('a batch request that is aborted cancels its tools', async () => {
  const { tool, clock, options, last } = requestRig()
  const controller = new AbortController()
  const answered = handleWorkflowRequest(request(undefined, { signal: controller.signal }), ONE_TASK, options)
  const call = await tool.nextCall('a')
  controller.abort()
  await tool.idle()
  expect(call.context.signal.aborted).toBe(true)
  call.fail()
  const response = await answered
  expect([response.status, await response.json()]).toMatchObject([200, { status: 'cancelled', reason: DISCONNECTED }])
  expect([last()['reason'], clock.timerCount]).toEqual([DISCONNECTED, 0])
})

test.each(['application/json', 'text/event-stream'])(
  'a request for %s that was aborted before it came starts no tool',
  async accept => {
    const { tool, clock, options, last } = requestRig()
    const gone = request(accept, { signal: AbortSignal.abort() })
    const response = await handleWorkflowRequest(gone, ONE_TASK, options)
    await tool.idle()
    expect([tool.started, last()['status'], last()['reason']]).toEqual([[], 'cancelled', DISCONNECTED])
    await response.text()
    expect(clock.timerCount).toBe(0)
  },
)

test('a client that leaves its chunks unread for the stall time has left, and its execution is cancelled', async () => {
  const { tool, clock, options, last } = requestRig()
  const response = await handleSSERequest(request(), ONE_TASK, { ...options, taskTimeoutMs: 0 })
  const reader = response.body?.getReader()
  await reader?.read()
  const call = await tool.nextCall('a')
  await clock.run(29_999)
  expect(call.context.signal.aborted).toBe(false)
  await clock.run(1)
  expect(call.context.signal.aborted).toBe(true)
  call.fail()
  await expect(reader?.read()).rejects.toMatchObject({ code: 'READER_STALLED' })
  await tool.idle()
  expect([last()['reason'], clock.timerCount]).toEqual([DISCONNECTED, 0])
})

test('an abort after the response has been given is not the client leaving', async () => {
  const { tool, options, last } = requestRig()
  const controller = new AbortController()
  const answered = handleWorkflowRequest(request(undefined, { signal: controller.signal }), ONE_TASK, options)
  ;(await tool.nextCall('a')).succeed(1)
  const response = await answered
  controller.abort()
  await tool.idle()
  expect([(await response.json()) as object, last()['status']]).toMatchObject([{ status: 'success' }, 'success'])
})

test('a thousand clients that come and go leave nothing behind', async () => {
  const { tool, clock, options } = requestRig()
  let id = 0
  const many = { ...options, createId: () => `x${(id += 1)}` }
  const responses = await Promise.all(Array.from({ length: 1000 }, () => handleSSERequest(request(), ONE_TASK, many)))
  const calls = await Promise.all(responses.map(() => tool.nextCall('a')))
  for (const { body } of responses) await body?.cancel()
  expect(calls.every(({ context }) => context.signal.aborted)).toBe(true)
  for (const call of calls) call.fail()
  // A thousand endings take many turns of the event loop.
  for (let turn = 0; turn < 100_000 && clock.timerCount > 0; turn++) await new Promise(resolve => setImmediate(resolve))
  expect([clock.timerCount, tool.runningCount]).toEqual([0, 0])
})
