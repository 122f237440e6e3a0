import type { Dispatcher, OrderSource } from '../../cluster/order.ts'
import type { SharedStore } from '../../cluster/shared-store.ts'
import { describeError } from '../../log/describe-error.ts'
import type { Logger } from '../../log/logger.ts'

/**
 * A shared store whose orders a dispatcher announces, too, once they are in the store. A dispatcher that fails delays them: the
 * store has them.
 */
export function dispatchOrders(store: SharedStore, dispatcher: Dispatcher, logger: Logger): SharedStore {
  const guard = (work: Promise<void>): void => {
    work.catch((error: unknown) => logger.warn('The dispatcher failed', { error: describeError(error) }))
  }
  const orders = override(store.orders, {
    async cancel(key, reason) {
      await store.orders.cancel(key, reason)
      guard(dispatcher.cancel(key, reason.code))
    },
  } satisfies Partial<OrderSource>)
  return override(store, {
    orders,
    async commit(lease, firstSeq, entries, round) {
      await store.commit(lease, firstSeq, entries, round)
      if (round.orders.length > 0) guard(dispatcher.dispatch(round.orders))
    },
  } satisfies Partial<SharedStore>)
}

/** An object with some members replaced. Its other methods are called on the original, whose private fields they use. */
function override<T extends object>(target: T, members: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      if (Object.hasOwn(members, name)) return Reflect.get(members, name) as unknown
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
