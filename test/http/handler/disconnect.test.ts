import { describe, expect, test } from 'vitest'
import { idle } from '../../support/fake-clock.ts'
import type { ToolCall } from '../../support/controlled-tool.ts'
import { follow, type HandlerRig, handlerRig, ONE_TASK, STREAM } from './handler-rig.ts'

/** Whether the execution goes on `ms` after this, to the millisecond: `false` a moment later. */
async function expectGraceOf({ clock }: HandlerRig, { context }: ToolCall, ms: number): Promise<void> {
  await clock.run(ms - 1)
  expect(context.signal.aborted).toBe(false)
  await clock.run(1)
  expect(context.signal.aborted).toBe(true)
}

describe('an execution without followers is cancelled after the grace period', () => {
  test('once its only subscriber has left', async () => {
    const rig = handlerRig()
    const { leave } = await rig.follow(ONE_TASK)
    const call = await rig.tool.nextCall('a')
    await rig.clock.run(60_000)
    await leave()
    await expectGraceOf(rig, call, 30_000)
    call.fail()
    await idle()
    expect(await (await rig.get('/executions/x1')).json()).toMatchObject({
      result: { status: 'cancelled', reason: { code: 'DISCONNECTED' } },
    })
    expect(rig.clock.timerCount).toBe(0)
  })

  test('once every waiter for its result has left', async () => {
    const rig = handlerRig()
    const { leave } = follow(await rig.create(ONE_TASK))
    const call = await rig.tool.nextCall('a')
    await rig.clock.run(60_000)
    await leave()
    await expectGraceOf(rig, call, 30_000)
  })

  test('once the last of several has left, whatever each of them is', async () => {
    const rig = handlerRig({ onDisconnect: { graceMs: 1000 } })
    const key = { 'Idempotency-Key': 'k' }
    const stream = await rig.follow(ONE_TASK, key)
    const call = await rig.tool.nextCall('a')
    const waiting = follow(await rig.create(ONE_TASK, key))
    const attached = await rig.follow(ONE_TASK, key)
    const resumed = follow(await rig.get('/executions/x1/events'))
    for (const { leave } of [stream, waiting, resumed]) {
      await leave()
      await rig.clock.run(5000)
    }
    expect(call.context.signal.aborted).toBe(false)
    await attached.leave()
    await expectGraceOf(rig, call, 1000)
  })

  test('which restarts whenever a reader has come meanwhile', async () => {
    const rig = handlerRig({ onDisconnect: { graceMs: 1000 } })
    const first = await rig.follow(ONE_TASK)
    const call = await rig.tool.nextCall('a')
    await first.leave()
    for (let time = 0; time < 3; time++) {
      await rig.clock.run(999)
      const { leave } = follow(await rig.get('/executions/x1/events'))
      await rig.clock.run(5000)
      await leave()
    }
    await expectGraceOf(rig, call, 1000)
  })

  test('as the request says, where it says', async () => {
    const rig = handlerRig()
    const { leave } = await rig.follow({ workflow: ONE_TASK, options: { onDisconnect: { graceMs: 70 } } })
    const call = await rig.tool.nextCall('a')
    await leave()
    await expectGraceOf(rig, call, 70)
  })

  test('also with respond-async, where the request says', async () => {
    const rig = handlerRig()
    await rig.begin({ workflow: ONE_TASK, options: { onDisconnect: { graceMs: 70 } } })
    const call = await rig.tool.nextCall('a')
    await expectGraceOf(rig, call, 70)
  })

  test('without one at once, by "cancel"', async () => {
    const rig = handlerRig({ onDisconnect: 'cancel' })
    const one = await rig.follow(ONE_TASK)
    const other = follow(await rig.get('/executions/x1/events'))
    const call = await rig.tool.nextCall('a')
    await one.leave()
    expect(call.context.signal.aborted).toBe(false)
    await other.leave()
    expect(call.context.signal.aborted).toBe(true)
  })
})

describe('an execution continues without subscribers', () => {
  test('by "continue" of the server', async () => {
    const rig = handlerRig({ onDisconnect: 'continue' })
    const { leave } = await rig.follow(ONE_TASK)
    const call = await rig.tool.nextCall('a')
    await leave()
    expect(rig.clock.timerCount).toBe(0)
    await rig.clock.run(10_000_000)
    expect(call.context.signal.aborted).toBe(false)
  })

  test('by "continue" of the request', async () => {
    const rig = handlerRig({ onDisconnect: 'cancel' })
    const { leave } = await rig.follow({ workflow: ONE_TASK, options: { onDisconnect: 'continue' } })
    const call = await rig.tool.nextCall('a')
    await leave()
    await rig.clock.run(10_000_000)
    expect(call.context.signal.aborted).toBe(false)
  })

  test('by respond-async, also after followers have come and gone', async () => {
    const rig = handlerRig({ onDisconnect: 'cancel' })
    await rig.begin(ONE_TASK)
    const call = await rig.tool.nextCall('a')
    const { leave } = follow(await rig.get('/executions/x1/events'))
    await idle()
    await leave()
    await rig.clock.run(10_000_000)
    expect(call.context.signal.aborted).toBe(false)
  })
})

test('the rule is fixed when the execution is made: who attaches does not change it', async () => {
  const rig = handlerRig({ onDisconnect: { graceMs: 1000 } })
  const key = { 'Idempotency-Key': 'k' }
  const { leave } = await rig.follow(ONE_TASK, key)
  const call = await rig.tool.nextCall('a')
  expect((await rig.create(ONE_TASK, { ...key, Prefer: 'respond-async' })).status).toBe(202)
  await leave()
  await expectGraceOf(rig, call, 1000)
})

test('a reader that takes nothing for the stall time no longer counts', async () => {
  const rig = handlerRig({ stallTimeoutMs: 5000, onDisconnect: { graceMs: 1000 } })
  await rig.create(ONE_TASK, { Accept: STREAM })
  const call = await rig.tool.nextCall('a')
  await expectGraceOf(rig, call, 6000)
  expect(await rig.figure('dagstream_subscribers')).toBe(0)
})

test('a client that waits for a result and takes no heartbeat for the stall time no longer counts', async () => {
  const rig = handlerRig({ stallTimeoutMs: 5000, heartbeatMs: 100, onDisconnect: { graceMs: 1000 } })
  await rig.create(ONE_TASK)
  const call = await rig.tool.nextCall('a')
  await rig.clock.run(6200)
  expect(call.context.signal.aborted).toBe(true)
})

test('a reader that takes its heartbeats counts for as long as it likes', async () => {
  const rig = handlerRig({ stallTimeoutMs: 5000, heartbeatMs: 1000, onDisconnect: 'cancel' })
  const { byteCount } = await rig.follow(ONE_TASK)
  const call = await rig.tool.nextCall('a')
  await rig.clock.run(100_000)
  expect(call.context.signal.aborted).toBe(false)
  expect(byteCount()).toBeGreaterThan(100)
})

test('at shutdown a departing client starts no grace period', async () => {
  const rig = handlerRig({ onDisconnect: { graceMs: 10 }, drainMs: 5000 })
  const { leave } = await rig.follow(ONE_TASK)
  const call = await rig.tool.nextCall('a')
  const closed = rig.handler.close()
  await leave()
  await rig.clock.run(4999)
  expect(call.context.signal.aborted).toBe(false)
  call.succeed(1)
  await closed
  expect(await (await rig.get('/executions/x1')).json()).toMatchObject({ status: 'success' })
})

test('leaving after the end starts nothing', async () => {
  const rig = handlerRig({ onDisconnect: { graceMs: 10 } })
  const { leave } = await rig.follow(ONE_TASK)
  const stalled = await rig.get('/executions/x1/events')
  ;(await rig.tool.nextCall('a')).succeed()
  await rig.tool.idle()
  await leave()
  await stalled.body?.cancel()
  expect(rig.clock.timerCount).toBe(0)
})
