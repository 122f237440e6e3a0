import type { AttemptKey } from '../../../src/attempt/runner.ts'
import type { Clock } from '../../../src/clock.ts'
import type { Renewal, RenewalOptions, SharedStore } from '../../../src/cluster/shared-store.ts'
import { nameOf } from './tables.ts'

/**
 * Renews the orders of a worker three times in each lease, on timers of the clock. It stands for a thread: a test that blocks
 * a worker does not block it.
 */
export function renewOnTimer(
  store: Pick<SharedStore, 'orders'>,
  clock: Clock,
  { workerId, ttlMs, onRenewed }: RenewalOptions,
): Renewal {
  const keys = new Map<string, AttemptKey>()
  let isClosed = false
  let cancelTimer = (): void => {}
  const arm = (): void => {
    if (!isClosed) cancelTimer = clock.after(ttlMs / 3, () => void renew())
  }
  const renew = async (): Promise<void> => {
    try {
      const renewed = await store.orders.renew(workerId, [...keys.values()], ttlMs)
      if (!isClosed && renewed.lost.length + renewed.cancelled.length > 0) onRenewed(renewed)
    } catch {
      // The store is away: the next renewal may succeed.
    }
    arm()
  }
  arm()
  return {
    begin: key => void keys.set(nameOf(key), key),
    end: key => void keys.delete(nameOf(key)),
    close: async () => {
      isClosed = true
      cancelTimer()
    },
  }
}
