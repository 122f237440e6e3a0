import { describe, expect, test, vi } from 'vitest'
import type { RenewedOrders } from '../../src/cluster/order.ts'
import type { PostgresStore } from '../../src/store/postgres/index.ts'
import { hold, LONG_MS } from '../../src/testing/shared-fixtures.ts'
import { execute, isPostgresMissing } from '../support/postgres.ts'
import { afterTest, openHere } from './postgres-rig.ts'

const TTL_MS = 900

/** Blocks the event loop of this process, as a tool that computes does. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

function rig(store: PostgresStore): Parameters<typeof hold>[0] {
  return { store, wait: () => Promise.resolve() }
}

// The thread is that of the build.
describe.skipIf(isPostgresMissing)('the renewal of orders', () => {
  test('goes on while the event loop is blocked', async () => {
    const store = await openHere()
    const { execution, worker } = await hold(rig(store), ['a', 'b'])
    const keys = ['a', 'b'].map(taskId => execution.key(taskId))
    await store.orders.renew(worker, keys, TTL_MS)
    const renewal = store.keepOrders({ workerId: worker, ttlMs: TTL_MS, onRenewed: () => {} })
    afterTest(() => renewal.close())
    // The thread knows one of both, and does not end it: it has no limit.
    renewal.begin(execution.key('a'), 0)
    await vi.waitFor(async () => expect(await countRenewed(store, worker)).toBe(1), 5000)
    block(2 * TTL_MS)
    expect(await store.orders.interruptExpired()).toBe(1)
    expect(await execution.messages()).toEqual([
      { key: execution.key('b'), news: { type: 'interrupted', cause: 'lost' } },
    ])
  })

  test('ends an attempt whose tool blocks the event loop beyond its limit, and that alone', async () => {
    const store = await openHere()
    const { execution, worker } = await hold(rig(store), ['a', 'b'])
    const renewal = store.keepOrders({ workerId: worker, ttlMs: LONG_MS, onRenewed: () => {} })
    afterTest(() => renewal.close())
    renewal.begin(execution.key('a'), 300)
    renewal.begin(execution.key('b'), 60_000)
    const startedAt = performance.now()
    // The thread takes a while to start, and its first look is at an event loop that does not turn.
    while ((await execution.messages()).length === 0 && performance.now() - startedAt < 20_000) block(1500)
    expect(await execution.messages()).toMatchObject([
      {
        key: execution.key('a'),
        number: 1,
        news: { type: 'settled', report: { status: 'error', code: 'TASK_TIMEOUT', abandoned: true } },
      },
    ])
    const late = { key: execution.key('a'), number: 1, news: { type: 'token', text: 'late' } } as const
    expect(await store.inbox.post(worker, [{ ...late, number: 2 }])).toEqual([false])
  })

  test('reports cancellations and lost attempts', async () => {
    const store = await openHere()
    const { execution, worker } = await hold(rig(store), ['a', 'b'])
    const reports: RenewedOrders[] = []
    const renewal = store.keepOrders({ workerId: worker, ttlMs: 300, onRenewed: renewed => void reports.push(renewed) })
    afterTest(() => renewal.close())
    const [a, b] = [execution.key('a'), execution.key('b')]
    renewal.begin(a, 0)
    renewal.begin(b, 0)
    const reason = { code: 'CANCELLED', message: 'Enough' }
    await store.orders.cancel(a, reason)
    await store.orders.interrupt(worker, [b])
    await vi.waitFor(() => expect(reports.at(-1)).toEqual({ lost: [b], cancelled: [{ key: a, reason }] }), 5000)
  })
})

async function countRenewed(store: PostgresStore, worker: string): Promise<number> {
  const [row] = await execute(
    store.where.replace('postgres://', 'postgres://postgres@'),
    `SELECT count(*)::int AS count FROM dagstream.orders
     WHERE worker = $1 AND lease_until > clock_timestamp() + interval '${TTL_MS - 250} ms'`,
    [worker],
  )
  return row?.['count'] as number
}
