import { afterEach, expect, test } from 'vitest'
import type { Dispatcher } from '../../../src/cluster/order.ts'
import { ONE_TASK } from '../../http/handler/handler-rig.ts'
import { type ClusterRig, clusterRig } from './cluster-rig.ts'

let rig: ClusterRig
afterEach(() => rig.close())

function recordingDispatcher(fails: boolean): { dispatcher: Dispatcher; calls: unknown[] } {
  const calls: unknown[] = []
  const dispatcher: Dispatcher = {
    name: 'queue',
    async dispatch(orders) {
      calls.push(['dispatch', orders.map(({ command }) => command.taskId)])
      if (fails) throw new Error('The queue is away')
    },
    async cancel({ taskId }, code) {
      calls.push(['cancel', taskId, code])
    },
    async close() {},
  }
  return { dispatcher, calls }
}

test('orders are announced by the dispatcher once they are in the store, and withdrawn by it', async () => {
  rig = clusterRig()
  const { dispatcher, calls } = recordingDispatcher(false)
  const a = rig.server('a', { dispatcher })
  await a.begin({ workflow: ONE_TASK })
  await rig.clock.run(1000)
  expect(calls).toEqual([['dispatch', ['a']]])
  await a.send('POST', '/executions/a1/cancel')
  await rig.clock.run(3000)
  expect(calls.at(-1)).toEqual(['cancel', 'a', 'CANCELLED'])
})

test('a dispatcher that fails delays nothing for workers that ask the store', async () => {
  rig = clusterRig()
  const { dispatcher } = recordingDispatcher(true)
  const a = rig.server('a', { dispatcher })
  await rig.worker('w', { dispatcher })
  await a.begin({ workflow: ONE_TASK })
  ;(await rig.tool.nextCall('a')).succeed(1)
  await rig.clock.run(2000)
  expect(await (await a.get('/executions/a1')).json()).toMatchObject({ status: 'success' })
  expect(a.log.filter(line => line.includes('The dispatcher failed')).length).toBe(1)
})
