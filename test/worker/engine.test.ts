import { expect, test } from 'vitest'
import type { Tool } from '../../src/index.ts'
import { startWorker, type RunningWorker } from '../../src/worker/run-worker.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { outputsOf, SharedRig } from '../support/shared/shared-rig.ts'
import { task, workflow } from '../support/workflows.ts'

async function addWorker(rig: SharedRig, workerId: string): Promise<RunningWorker> {
  const { store, tools, clock } = rig
  return await startWorker({ store: store.connect(), tools, clock, random: () => 0.5, workerId, drainMs: 1000 })
}

test('an execution runs on a worker: references, tokens, usage and outcomes', async () => {
  const execute: Tool['execute'] = (args, { taskId, emitToken, reportUsage }) => {
    for (const piece of ['to', 'ken ', '🧵']) emitToken(piece)
    reportUsage({ totalTokensIn: 2, totalTokensOut: 1 })
    return { taskId, args }
  }
  const rig = new SharedRig({ work: { execute } })
  const worker = await addWorker(rig, 'w1')
  const coordinator = await rig.start(
    workflow('a', { ...task('b', ['a']), arguments: { from: '$OUTPUT[a].taskId' } }, task('c', ['a'])),
  )
  await rig.clock.run(1000)
  const result = await coordinator.loop.result
  expect([result.status, result.tokenUsage]).toEqual(['success', { totalTokensIn: 6, totalTokensOut: 3 }])
  expect((await outputsOf(coordinator))['b']).toEqual({ taskId: 'b', args: { from: 'a' } })
  const tokens = (await rig.events()).flatMap(({ type, data }) => (type === 'token' ? [data.text] : []))
  expect(tokens).toEqual(['token 🧵', 'token 🧵', 'token 🧵'])
  await worker.close()
})

test('a cancelled execution ends its attempts on the worker', async () => {
  const tool = new ControlledTool()
  const rig = new SharedRig({ work: { execute: tool.execute } })
  const worker = await addWorker(rig, 'w1')
  const coordinator = await rig.start(workflow('a', 'b'))
  const calls = await tool.nextCalls('a', 'b')
  coordinator.loop.cancel({ code: 'CANCELLED', message: 'Enough' })
  await rig.clock.run(100)
  expect(calls.map(({ context }) => context.signal.aborted)).toEqual([true, true])
  for (const call of calls) call.fail()
  await rig.clock.run(1000)
  expect((await coordinator.loop.result).status).toBe('cancelled')
  await worker.close()
})

test('the attempts of a worker that ends run again at another one, uncounted', async () => {
  const tool = new ControlledTool()
  const rig = new SharedRig({ work: { execute: tool.execute } })
  const first = await addWorker(rig, 'w1')
  const coordinator = await rig.start(workflow('a', task('b', ['a'])))
  const call = await tool.nextCall('a')
  call.context.signal.addEventListener('abort', () => call.fail())
  const closed = first.close()
  const second = await addWorker(rig, 'w2')
  await rig.clock.run(5000)
  await closed
  ;(await tool.nextCall('a')).succeed(1)
  ;(await tool.nextCall('b')).succeed(2)
  await rig.clock.run(1000)
  expect([(await coordinator.loop.result).status, await outputsOf(coordinator)]).toEqual(['success', { a: 1, b: 2 }])
  const retries = (await rig.events()).flatMap(({ type, data }) => (type === 'task_retry' ? [data.interrupted] : []))
  expect([retries, tool.started]).toEqual([[true], ['a', 'a', 'b']])
  await second.close()
})
