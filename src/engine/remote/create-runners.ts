import { LocalRunner } from '../../attempt/local-runner.ts'
import type { AttemptRunner } from '../../attempt/runner.ts'
import { isSharedStore } from '../../cluster/shared-store.ts'
import type { Reason } from '../../events/events.ts'
import type { TableOptions } from '../../scheduler/table-input.ts'
import type { StartParts } from '../loop-parts.ts'
import type { ResolvedOptions } from '../options.ts'
import type { InputDesk } from '../inputs/input-desk.ts'
import type { Recorder } from '../recorder.ts'
import { DurableCalls } from './durable-calls.ts'
import { type GrowthCommands, InboxDelivery } from './inbox-delivery.ts'
import { PendingRound } from './pending-round.ts'
import { PlannerRunner } from './planner-runner.ts'
import { RemoteRunner } from './remote-runner.ts'

/** The runner of an execution. */
export interface Runners {
  readonly runner: AttemptRunner
  /** The runner, if it runs attempts on workers. */
  readonly remote: RemoteRunner | undefined
  /** The messages about them. */
  readonly delivery?: InboxDelivery
}

/** What a coordinator and its workers share. */
interface RemoteContext {
  readonly options: ResolvedOptions
  readonly recorder: Recorder
  readonly cancel: (reason: Reason, requestId?: string) => void
  readonly desk: () => InputDesk
  readonly growth: GrowthCommands
}

/** Attempts run on workers if the store is shared, except for those of planners; otherwise in this process. */
export function createRunners(
  { plan, growth, owner, runner: given }: StartParts,
  { options, recorder, cancel, desk, growth: commands }: RemoteContext,
): Runners {
  const { store, clock, logger, abortGraceMs, priority } = options
  const { pending } = recorder
  if (given !== undefined) return { runner: given, remote: undefined }
  const tools = { get: (name: string) => plan.tools.get(name) ?? growth?.tools.get(name) }
  const local = new LocalRunner({ tools, clock, abortGraceMs })
  if (pending === undefined || store === undefined || !isSharedStore(store)) {
    return { runner: local, remote: undefined }
  }
  const { orders, inbox } = store
  const calls = new DurableCalls(clock, logger)
  const runner = new RemoteRunner({ orders, pending, recorder, calls, owner, priority, abortGraceMs })
  const delivery = new InboxDelivery({ inbox, recorder, pending, runner, cancel, desk, growth: commands })
  return { runner: new PlannerRunner(local, runner), remote: runner, delivery }
}

/** The options of the task table: the orders of a shared store keep the limits of tools. */
export function describeTable(options: ResolvedOptions): TableOptions {
  const { store } = options
  return store !== undefined && isSharedStore(store) ? { ...options, areLimitsShared: true } : options
}

/** @returns `undefined` for a store of one process */
export function createPendingRound({ store }: ResolvedOptions): PendingRound | undefined {
  return store !== undefined && isSharedStore(store) ? new PendingRound(store) : undefined
}
