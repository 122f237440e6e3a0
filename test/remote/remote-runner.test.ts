import { expect, test, vi } from 'vitest'
import { resumeLoop } from '../../src/engine/resume/resume.ts'
import { createLimit } from '../../src/index.ts'
import type { StoredExecution } from '../../src/store/execution-store.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { idle } from '../support/fake-clock.ts'
import { outputsOf, SharedRig } from '../support/shared/shared-rig.ts'
import { chain, diamond, fan, task, workflow } from '../support/workflows.ts'

test('an execution runs on a worker to its end and leaves nothing behind', async () => {
  const tool = new ControlledTool()
  const rig = new SharedRig({ work: { execute: tool.execute } })
  await rig.addWorker()
  const { loop } = await rig.start(diamond('a', ['b', 'c'], 'd'))
  ;(await tool.nextCall('a')).succeed(1)
  const [b, c] = await tool.nextCalls('b', 'c')
  b.succeed(2)
  c.fail(new Error('no'))
  await loop.ended
  expect(await loop.result).toMatchObject({ status: 'partial', successCount: 2, errorCount: 1, skippedCount: 1 })
  const { orders, messages } = rig.store.tables
  expect([orders.size, messages.size]).toEqual([0, 0])
})

test('arguments are resolved from outputs before the order is written', async () => {
  const tool = new ControlledTool()
  const rig = new SharedRig({ work: { execute: tool.execute } })
  await rig.addWorker()
  const { loop } = await rig.start(
    workflow(
      'a',
      task('b', ['a'], { arguments: { n: '$OUTPUT[a].deep.n', all: '$OUTPUT[a]' } }),
      task('c', ['a'], { arguments: { n: '$OUTPUT[a].no' } }),
    ),
  )
  ;(await tool.nextCall('a')).succeed({ deep: { n: 7 } })
  const b = await tool.nextCall('b')
  expect(b.args).toEqual({ n: 7, all: { deep: { n: 7 } } })
  b.succeed()
  const { results } = await loop.result
  expect(results.map(({ taskId, code }) => [taskId, code])).toEqual([
    ['a', undefined],
    ['b', undefined],
    ['c', 'REFERENCE_NOT_FOUND'],
  ])
  expect(tool.started).toEqual(['a', 'b'])
})

test('the tokens of a message are in the log as soon as it is consumed', async () => {
  const tool = new ControlledTool()
  const rig = new SharedRig({ work: { execute: tool.execute } })
  await rig.addWorker()
  const first = await rig.start(chain(1))
  const call = await tool.nextCall('t0')
  call.context.emitToken('one ')
  call.context.emitToken('two')
  first.killAfter(1, () => {})
  await rig.clock.run(0)
  expect(await rig.outline('token')).toEqual(['token t0'])
  expect(rig.store.tables.messages.size).toBe(0)
  const second = await rig.takeOver()
  call.context.emitToken(' three')
  call.succeed()
  await second?.loop.ended
  const texts = (await rig.events()).map(({ type, data }) => (type === 'token' ? data.text : ''))
  expect(texts.join('')).toBe('one two three')
})

test('the limits of tools are those of the store alone', async () => {
  const tool = new ControlledTool()
  const limit = createLimit(1)
  const release = limit.tryAcquire()
  const rig = new SharedRig({ work: { execute: tool.execute, limit } })
  await rig.addWorker(8)
  await rig.addWorker(8)
  const { loop } = await rig.start(fan(5))
  await tool.succeedAll()
  expect(await loop.result).toMatchObject({ successCount: 5 })
  expect([tool.peakCount, tool.started.length]).toEqual([1, 5])
  release?.()
})

test('a lost worker interrupts its attempts, which run again elsewhere and are not counted', async () => {
  const tool = new ControlledTool()
  const rig = new SharedRig({ work: { execute: tool.execute } })
  const worker = await rig.addWorker()
  const first = await rig.start({ tasks: [task('a', [], { retry: { maxAttempts: 1 } })] })
  const lost = await tool.nextCall('a')
  worker.kill()
  await rig.addWorker()
  await rig.clock.run(10_000)
  await rig.store.orders.interruptExpired()
  ;(await tool.nextCall('a')).succeed('second')
  lost.succeed('first')
  expect(await outputsOf(first)).toEqual({ a: 'second' })
  const retries = (await rig.events()).filter(({ type }) => type === 'task_retry')
  expect(retries.map(({ data }) => data)).toMatchObject([{ taskId: 'a', attempt: 1, interrupted: true, delayMs: 0 }])
})

test('an execution is parked once three workers of one task were lost, and goes on after a manual resumption', async () => {
  const tool = new ControlledTool()
  const rig = new SharedRig({ work: { execute: tool.execute } })
  const first = await rig.start({ tasks: [task('a'), task('b')] })
  const ended = first.loop.ended.catch((error: unknown) => error)
  for (let lost = 0; lost < 3; lost++) {
    const worker = await rig.addWorker(lost === 0 ? 2 : 1)
    const call = await tool.nextCall('a')
    if (lost === 0) (await tool.nextCall('b')).succeed()
    await tool.idle()
    worker.kill()
    await rig.clock.run(10_000)
    await rig.store.orders.interruptExpired()
    await tool.idle()
    call.succeed('too late')
  }
  expect(await ended).toMatchObject({ code: 'CRASH_LIMIT', message: expect.stringContaining('`a`') })
  const retries = (await rig.events()).filter(({ type }) => type === 'task_retry')
  expect(retries.map(({ data }) => data)).toMatchObject(Array(3).fill({ taskId: 'a', interrupted: true, lost: true }))
  expect((await rig.events()).at(-1)).toMatchObject({ type: 'execution_parked', data: { tasks: ['a'] } })
  expect(await rig.store.leases.claimFree('s2', 10, 1000)).toEqual([])
  await rig.addWorker()
  const store = rig.store
  const stored = (await store.get('x')) as StoredExecution
  const resumed = await resumeLoop(stored, store, { tools: rig.tools, options: { ...rig.options, store } })
  await resumed.deliver()
  ;(await tool.nextCall('a')).succeed('at last')
  await tool.idle()
  await resumed.deliver()
  expect(await resumed.result).toMatchObject({ status: 'success' })
})

test('an attempt that its worker gives up is interrupted with its usage', async () => {
  const tool = new ControlledTool()
  const rig = new SharedRig({ work: { execute: tool.execute } })
  const worker = await rig.addWorker()
  const { loop } = await rig.start(chain(1))
  const call = await tool.nextCall('t0')
  call.context.reportUsage({ totalTokensIn: 5, totalTokensOut: 2 })
  await tool.idle()
  worker.kill()
  await rig.store.orders.interrupt(worker.workerId, [{ executionId: 'x', taskId: 't0', attempt: 1 }])
  await rig.addWorker()
  const again = await tool.nextCall('t0')
  again.context.reportUsage({ totalTokensIn: 1, totalTokensOut: 1 })
  again.succeed()
  expect(await loop.result).toMatchObject({ tokenUsage: { totalTokensIn: 6, totalTokensOut: 3 } })
})

test('a cancelled execution ends once its workers have ended the attempts', async () => {
  const tool = new ControlledTool()
  const rig = new SharedRig({ work: { execute: tool.execute } })
  await rig.addWorker(1)
  const { loop } = await rig.start(fan(3))
  const call = await tool.nextCall('t0')
  loop.cancel({ code: 'CANCELLED', message: 'Enough' })
  await tool.idle()
  expect(call.context.signal.aborted).toBe(true)
  call.fail(new Error('aborted'))
  expect(await loop.result).toMatchObject({ status: 'cancelled', cancelledCount: 3 })
  expect(tool.started).toEqual(['t0'])
})

test('an attempt without a worker is reported once, and fails in the end', async () => {
  const rig = new SharedRig({ work: { execute: () => 1 } })
  const { loop } = await rig.start(chain(1))
  await rig.clock.run(0)
  await rig.store.orders.refuseUnclaimed(1000)
  await rig.clock.run(1000)
  await rig.store.orders.refuseUnclaimed(1000)
  const { results } = await loop.result
  expect(results[0]).toMatchObject({ status: 'error', code: 'TOOLS_UNAVAILABLE' })
  const infos = (await rig.events()).flatMap(({ type, data }) => (type === 'info' ? [data.message] : []))
  expect(infos).toEqual(['No worker has the tool `work`'])
})

test('a cancellation that the store does not take is repeated', async () => {
  const tool = new ControlledTool()
  const rig = new SharedRig({ work: { execute: tool.execute } })
  await rig.addWorker()
  const { orders } = rig.store
  const cancel = orders.cancel.bind(orders)
  let failures = 2
  orders.cancel = (key, reason) => (failures-- > 0 ? Promise.reject(new Error('away')) : cancel(key, reason))
  const { loop } = await rig.start(chain(1))
  const call = await tool.nextCall('t0')
  loop.cancel({ code: 'CANCELLED', message: 'Enough' })
  await rig.clock.run(1000)
  expect(call.context.signal.aborted).toBe(true)
  call.fail(new Error('aborted'))
  expect(await loop.result).toMatchObject({ status: 'cancelled' })
})

test('a page that the store has cut short is followed by the next one without a hint', async () => {
  const tool = new ControlledTool()
  const rig = new SharedRig({ work: { execute: tool.execute } })
  await rig.addWorker()
  const read = rig.store.inbox.read.bind(rig.store.inbox)
  vi.spyOn(rig.store.inbox, 'read').mockImplementation(async (ids, limit) => {
    const found = await read(ids, limit)
    return new Map([...found].map(([id, messages]) => [id, messages.slice(0, 1)]))
  })
  const { loop } = await rig.start(workflow('a', 'b'))
  const [a, b] = await tool.nextCalls('a', 'b')
  rig.store.delayHints(() => undefined)
  a.succeed('x'.repeat(100_000))
  b.succeed('x'.repeat(100_000))
  await idle()
  expect(rig.store.tables.messages.size).toBe(2)
  rig.store.interruptHints()
  await loop.ended
  expect(await loop.result).toMatchObject({ status: 'success', successCount: 2 })
})
