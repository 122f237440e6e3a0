import { expect, test } from 'vitest'
import type { SharedStore } from '../../src/cluster/shared-store.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { idle } from '../support/fake-clock.ts'
import { createWorkerRig, override } from './worker-rig.ts'

// The answer of the store to a worker comes late: meanwhile something else happens to its order.

/** Holds answers back until it is released. */
class Gate {
  #held: (() => void)[] = []
  #isOpen = false

  async pass(): Promise<void> {
    if (!this.#isOpen) await new Promise<void>(resolve => this.#held.push(resolve))
  }

  open(): void {
    this.#isOpen = true
    for (const resolve of this.#held.splice(0)) resolve()
  }
}

test('a renewal while the outcome is being posted does not count it as refused', async () => {
  const gate = new Gate()
  const wrap = (store: SharedStore): SharedStore =>
    override(store, {
      inbox: override(store.inbox, {
        post: async (...given) => {
          const accepted = await store.inbox.post(...given)
          await gate.pass()
          return accepted
        },
      }),
    })
  const rig = await createWorkerRig({ wrap })
  const tool = new ControlledTool()
  const { close, worker } = await rig.start({ work: { execute: tool.execute } })
  await rig.order('work', ['a'])
  const call = await tool.nextCall('a')
  call.succeed('done')
  await rig.clock.run(10_000)
  expect([worker.counters.refusedCount, worker.runningCount]).toEqual([0, 1])
  gate.open()
  await idle()
  expect([worker.counters.refusedCount, worker.runningCount]).toEqual([0, 0])
  expect(rig.lines.filter(({ level }) => level === 'warn')).toEqual([])
  expect((await rig.reports()).get('a')).toMatchObject({ status: 'success' })
  await close()
})

test('an order that was cancelled before the take was answered does not begin', async () => {
  const reason = { code: 'CANCELLED', message: 'Stop' } as const
  const wrap = (store: SharedStore): SharedStore =>
    override(store, {
      orders: override(store.orders, {
        take: async (...given) => {
          const taken = await store.orders.take(...given)
          return taken.map(order => (order.kind === 'start' ? { ...order, cancelled: reason } : order))
        },
      }),
    })
  const rig = await createWorkerRig({ wrap })
  const tool = new ControlledTool()
  const { close, worker } = await rig.start({ work: { execute: tool.execute } })
  await rig.order('work', ['a'])
  await rig.clock.run(100)
  expect((await rig.reports()).get('a')).toMatchObject({ status: 'cancelled' })
  expect([worker.counters.begunCount, worker.runningCount]).toEqual([0, 0])
  await close()
})
