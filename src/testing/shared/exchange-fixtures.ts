import type { AttemptMessage } from '../../cluster/inbox.ts'
import type { SharedStore } from '../../cluster/shared-store.ts'
import {
  type Coordinated,
  coordinate,
  join,
  LONG_MS,
  makeMessages,
  type SharedCheck,
  type SharedRig,
  succeed,
} from '../shared-fixtures.ts'
import { makeName } from '../store-fixtures.ts'

export type Exchange = NonNullable<SharedStore['exchange']>

/** A sentence of behaviour of `exchange` with its check. */
export type ExchangeCheck = readonly [name: string, check: (rig: SharedRig, exchange: Exchange) => Promise<void>]

/** The checks of a store that may have no `exchange`: then they pass. */
export function ifPresent(checks: readonly ExchangeCheck[]): readonly SharedCheck[] {
  return checks.map(([name, check]) => [
    name,
    async rig => {
      const { store } = rig
      if (store.exchange !== undefined) await check(rig, (...given) => (store.exchange as Exchange)(...given))
    },
  ])
}

/** The outcome of an attempt that has reported nothing else. */
export function end(execution: Coordinated, taskId: string): AttemptMessage[] {
  return makeMessages(execution.key(taskId), [succeed()])
}

/** Each of the workers holds one order, which it ends by its first exchange. */
export async function holdEach(
  rig: SharedRig,
  limit?: number,
): Promise<{ execution: Coordinated; tool: string; workers: readonly string[] }> {
  const name = makeName('tool')
  const execution = await coordinate(rig)
  const workers: string[] = []
  for (let at = 0; at < 8; at++) {
    const worker = await join(rig, [{ name, ...(limit !== undefined && { limit }) }])
    await execution.order(name, [`h${at}`])
    await rig.store.orders.take(worker, 1, LONG_MS)
    workers.push(worker)
  }
  return { execution, tool: name, workers }
}
