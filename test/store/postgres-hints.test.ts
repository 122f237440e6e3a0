import { expect, test } from 'vitest'
import type { Hint } from '../../src/cluster/shared-store.ts'
import type { PostgresStore } from '../../src/store/postgres/index.ts'
import { openHere } from './postgres-rig.ts'

const createdAt = '2026-01-01T00:00:00.000Z'
const report = { status: 'success', outputJson: 'null', executionTimeMs: 0 } as const
const key = (taskId: string): { executionId: string; taskId: string; attempt: number } => ({
  executionId: 'x',
  taskId,
  attempt: 1,
})

/** A worker `w` that has taken the orders `a`, of a tool with a limit, and `b`, `c`, of one without. */
async function hold(store: PostgresStore): Promise<void> {
  const member = { memberId: 'w', role: 'worker', startedAt: createdAt, running: 0, capacity: 9, version: '0' } as const
  const tools = [{ name: 'narrow', limit: 1 }, { name: 'wide' }]
  await store.members.announce({ ...member, tools }, 'store', 600_000)
  const { lease } = await store.leases.create('server', { executionId: 'x', createdAt }, 600_000)
  if (lease === undefined) throw new Error('Expected a lease')
  const orders = Object.entries({ a: 'narrow', b: 'wide', c: 'wide' }).map(([taskId, tool]) => ({
    command: { ...key(taskId), tool, arguments: {}, mayHoldJsonNumbers: false, timeoutMs: 0, idempotencyKey: taskId },
    priority: 0,
  }))
  await store.commit(lease, 1, [], { orders, consumed: [], replies: [] })
  expect(await store.orders.take('w', 9, 600_000)).toHaveLength(3)
}

test('an end that frees a permit is a hint for workers, one that frees none is not', async () => {
  const store = await openHere()
  await hold(store)
  const hints: Hint[] = []
  let wake = (): void => {}
  const end = await store.hints.subscribe(found => {
    hints.push(...(found ?? []))
    wake()
  })
  const next = async (kind: Hint['kind']): Promise<void> => {
    while (!hints.some(hint => hint.kind === kind)) await new Promise<void>(resolve => (wake = resolve))
  }
  const settle = (taskId: string): Promise<readonly boolean[]> =>
    store.inbox.post('w', [{ key: key(taskId), number: 1, news: { type: 'settled', report } }])
  // Those of the commit may still be on their way: this one comes behind them.
  await store.orders.cancel(key('c'), { code: 'CANCELLED', message: 'Enough' })
  await next('worker')
  hints.length = 0
  expect(await settle('b')).toEqual([true])
  await store.orders.cancel(key('c'), { code: 'CANCELLED', message: 'Enough' })
  await next('worker')
  expect(hints.map(({ kind }) => kind)).not.toContain('orders')
  expect(await settle('a')).toEqual([true])
  await next('orders')
  await end()
})

test('the outcome of a post that others have overtaken is known', async () => {
  const store = await openHere()
  await hold(store)
  const message = { key: key('a'), number: 1, news: { type: 'settled', report } } as const
  const unheld = { ...message, key: key('z') }
  expect(await store.inbox.post('w', [message, unheld])).toEqual([true, false])
  expect(await store.inbox.post('w', [unheld, message])).toEqual([false, true])
  expect(await store.inbox.post('v', [{ ...message, key: key('b') }])).toEqual([false])
})
