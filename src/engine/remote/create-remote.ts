import { isSharedStore } from '../../cluster/shared-store.ts'
import type { Reason } from '../../events/events.ts'
import type { ResolvedOptions } from '../options.ts'
import type { InputDesk } from '../inputs/input-desk.ts'
import type { Recorder } from '../recorder.ts'
import { DurableCalls } from './durable-calls.ts'
import { InboxDelivery } from './inbox-delivery.ts'
import { RemoteRunner } from './remote-runner.ts'

/** The parts of an execution whose attempts run on workers. */
export interface Remote {
  readonly runner: RemoteRunner
  readonly delivery: InboxDelivery
}

/** What a coordinator and its workers share. */
interface RemoteContext {
  readonly options: ResolvedOptions
  readonly recorder: Recorder
  readonly owner: string | undefined
  readonly cancel: (reason: Reason, requestId?: string) => void
  readonly desk: () => InputDesk
}

/** @returns `undefined` for a store of one process */
export function createRemote({ options, recorder, owner, cancel, desk }: RemoteContext): Remote | undefined {
  const { store, clock, logger } = options
  const { pending } = recorder
  if (pending === undefined || store === undefined || !isSharedStore(store)) return undefined
  const { orders, inbox } = store
  const calls = new DurableCalls(clock, logger)
  const runner = new RemoteRunner({ orders, pending, recorder, calls, owner, priority: 0 })
  return { runner, delivery: new InboxDelivery({ inbox, recorder, pending, runner, cancel, desk }) }
}
