import { expectSame } from '../expectations.ts'
import { coordinate, join, LONG_MS, type SharedCheck, type SharedRig } from '../shared-fixtures.ts'
import { makeName } from '../store-fixtures.ts'

/** Requirements on orders that wait for workers. */
export const WAITING_ORDER_CASES: readonly SharedCheck[] = [
  ['an order that no worker can take is reported once, and ends after the wait', checkUnclaimed],
  ['an order waits anew after its tool was there again', checkReturned],
  ['waiting orders are counted by tool', checkCount],
  ['orders are found by their keys until a worker has taken them', checkFind],
  ['the keys of a take exceed no limit', checkKeys],
]

async function checkUnclaimed(rig: SharedRig): Promise<void> {
  const [missing, present] = [makeName('tool'), makeName('tool')]
  const execution = await coordinate(rig)
  await execution.order(missing, ['a'])
  await execution.order(present, ['b'])
  await join(rig, [present])
  const { orders } = rig.store
  await orders.refuseUnclaimed(LONG_MS)
  await orders.refuseUnclaimed(LONG_MS)
  const key = execution.key('a')
  const report = { key, news: { type: 'unclaimed', tool: missing } }
  expectSame('the messages', await execution.messages(), [report])
  const ended = await orders.refuseUnclaimed(0)
  if (ended < 1) throw new Error(`refuseUnclaimed(): expected at least 1 ended order, found ${ended}`)
  const messages = await execution.messages()
  expectSame('the messages before the last', messages.slice(0, -1), [report])
  const last = messages.at(-1)
  const found = last !== undefined && 'number' in last && last.news.type === 'settled' ? last.news.report : last
  const { status, code } = found as { status?: unknown; code?: unknown }
  expectSame('the outcome', [status, code], ['error', 'TOOLS_UNAVAILABLE'])
  expectSame('take()', await orders.take(await join(rig, [missing]), 5, LONG_MS), [])
}

async function checkReturned(rig: SharedRig): Promise<void> {
  const tool = makeName('tool')
  const execution = await coordinate(rig)
  const { orders, members } = rig.store
  const worker = await join(rig, [tool])
  await execution.order(tool, ['a'])
  await rig.wait(1000)
  await members.leave(worker)
  const types = async (): Promise<unknown> => (await execution.messages()).map(({ news }) => news.type)
  await orders.refuseUnclaimed(900)
  expectSame('the messages at first', await types(), ['unclaimed'])
  const next = await join(rig, [tool])
  await orders.refuseUnclaimed(0)
  await rig.wait(1000)
  await members.leave(next)
  await orders.refuseUnclaimed(900)
  expectSame('the messages after its tool was there again', await types(), ['unclaimed'])
  await rig.wait(1000)
  await orders.refuseUnclaimed(900)
  expectSame('the messages after the wait', await types(), ['unclaimed', 'settled'])
}

async function checkCount(rig: SharedRig): Promise<void> {
  const execution = await coordinate(rig)
  const tool = makeName('tool')
  const worker = await join(rig, [tool])
  const other = makeName('tool')
  await execution.order(tool, ['b', 'c'])
  await execution.order(other, ['d'])
  const count = async (): Promise<unknown> => {
    const waiting = await rig.store.orders.countWaiting()
    return [tool, other].map(name => waiting.find(each => each.tool === name)?.count ?? 0)
  }
  expectSame('countWaiting()', await count(), [2, 1])
  await rig.wait(100)
  const oldest = (await rig.store.orders.countWaiting()).find(each => each.tool === other)?.oldestMs ?? 0
  if (oldest < 90) throw new Error(`countWaiting(): expected an age of 100 ms or more, found ${oldest}`)
  await rig.store.orders.take(worker, 5, LONG_MS)
  expectSame('countWaiting() after a take', await count(), [0, 1])
}

async function checkFind(rig: SharedRig): Promise<void> {
  const execution = await coordinate(rig)
  const tool = makeName('tool')
  const worker = await join(rig, [tool])
  await execution.order(tool, ['a', 'b'])
  const { orders } = rig.store
  const keys = ['a', 'b', 'none'].map(taskId => execution.key(taskId))
  const find = async (): Promise<string[]> => (await orders.findWaiting(keys)).map(({ taskId }) => taskId).sort()
  expectSame('findWaiting()', await find(), ['a', 'b'])
  await orders.take(worker, 1, LONG_MS)
  expectSame('findWaiting() after a take', (await find()).length, 1)
  await orders.cancel(execution.key('a'), { code: 'CANCELLED', message: '' })
  await orders.cancel(execution.key('b'), { code: 'CANCELLED', message: '' })
  expectSame('findWaiting() after the end', await find(), [])
}

async function checkKeys(rig: SharedRig): Promise<void> {
  const execution = await coordinate(rig)
  const tool = makeName('tool')
  const worker = await join(rig, [{ name: tool, limit: 2 }])
  await execution.order(tool, ['a', 'b', 'c', 'd'])
  const { orders } = rig.store
  const keys = ['c', 'd', 'none'].map(taskId => execution.key(taskId))
  expectSame('the number of taken orders', (await orders.take(worker, 3, LONG_MS, keys)).length, 2)
  expectSame('take() at the limit', await orders.take(worker, 3, LONG_MS, keys), [])
}
