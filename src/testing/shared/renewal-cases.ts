import { systemClock } from '../../clock.ts'
import type { RenewedOrders } from '../../cluster/order.ts'
import { sleep } from '../../sleep.ts'
import { expectSame } from '../expectations.ts'
import { coordinate, join, SHORT_MS, type SharedCheck, type SharedRig } from '../shared-fixtures.ts'
import { makeName } from '../store-fixtures.ts'

/** Requirements on the renewal of a worker's orders. */
export const RENEWAL_CASES: readonly SharedCheck[] = [
  ['orders are renewed without their worker, which learns what is cancelled and lost', checkRenewal],
]

/** Time that passes between two looks, ms: of the store, and of the machine. */
const STORE_STEP_MS = 25
const STEP_MS = 5
/** Looks for a report before it counts as missing. */
const MAX_LOOKS = 600

async function checkRenewal(rig: SharedRig): Promise<void> {
  const { orders } = rig.store
  const tool = makeName('tool')
  const execution = await coordinate(rig)
  await execution.order(tool, ['a', 'b'])
  const worker = await join(rig, [tool])
  expectSame('the number of taken orders', (await orders.take(worker, 2, SHORT_MS)).length, 2)
  const [key, ended] = [execution.key('a'), execution.key('b')]
  const reports: RenewedOrders[] = []
  const ttlMs = 3 * SHORT_MS
  const renewal = rig.store.keepOrders({ workerId: worker, ttlMs, onRenewed: renewed => void reports.push(renewed) })
  try {
    renewal.begin(key, 0)
    renewal.begin(ended, 0)
    renewal.end(ended)
    const reason = { code: 'CANCELLED', message: 'Enough é' }
    await orders.cancel(key, reason)
    const cancelled = await findReport(rig, () => reports.find(each => each.cancelled.length > 0))
    expectSame('the cancelled orders', cancelled?.cancelled, [{ key, reason }])
    await rig.wait(1.5 * SHORT_MS)
    await orders.interruptExpired()
    const lost = { key: ended, news: { type: 'interrupted', cause: 'lost' } }
    expectSame('the messages: the order that has ended expires, the other one does not', await execution.messages(), [
      lost,
    ])
    await orders.interrupt(worker, [key])
    const report = await findReport(rig, () => reports.find(each => each.lost.length > 0))
    expectSame('the lost orders', report?.lost, [key])
  } finally {
    await renewal.close()
  }
  const { length } = reports
  await rig.wait(SHORT_MS)
  expectSame('how many reports came after close()', reports.length - length, 0)
}

async function findReport<T>({ wait }: SharedRig, find: () => T | undefined): Promise<T | undefined> {
  for (let look = 0; look < MAX_LOOKS && find() === undefined; look++) {
    await wait(STORE_STEP_MS)
    // A renewal may run on the clock of the machine, whatever passes the store's time.
    await sleep(systemClock, STEP_MS)
  }
  return find()
}
