import { expect, test } from 'vitest'
import { ControlledTool } from '../support/controlled-tool.ts'
import { idle } from '../support/fake-clock.ts'
import { SharedRig } from '../support/shared/shared-rig.ts'
import { diamond } from '../support/workflows.ts'

test('an execution runs on a worker to its end', async () => {
  const tool = new ControlledTool()
  const rig = new SharedRig({ work: { execute: tool.execute } })
  await rig.addWorker()
  const { loop } = await rig.start(diamond('a', ['b', 'c'], 'd'))
  ;(await tool.nextCall('a')).succeed(1)
  const [b, c] = await tool.nextCalls('b', 'c')
  b.succeed(2)
  c.succeed(3)
  ;(await tool.nextCall('d')).succeed({ x: 4 })
  const result = await loop.result
  expect(result).toMatchObject({ status: 'success', successCount: 4 })
  expect([...rig.store.tables.orders.keys(), ...rig.store.tables.messages.keys()]).toEqual([])
  await idle()
})
