import type { Dispatcher } from '../../cluster/order.ts'
import { expectMethods, invalidOption } from '../../errors.ts'

/** How a host takes part in a shared store. */
export interface ClusterOptions {
  /** Time after which the executions of a dead server are taken over, ms. */
  readonly leaseMs: number
  /** Time after which an order whose tool no living worker has fails with `TOOLS_UNAVAILABLE`, ms. */
  readonly toolsWaitMs: number
  /** Maximum number of running attempts of one owner in the whole system; `undefined`: as the store has it. */
  readonly maxRunningPerOwner: number | undefined
  /** Whether the host runs attempts, too. */
  readonly work: boolean
  /** Carries orders beside the store. */
  readonly dispatcher: Dispatcher | undefined
}

/** Default options of a host on a shared store. */
export const DEFAULT_CLUSTER_OPTIONS: ClusterOptions = {
  leaseMs: 10_000,
  toolsWaitMs: 300_000,
  maxRunningPerOwner: undefined,
  work: true,
  dispatcher: undefined,
}

/** The names of all options of a shared store. */
export const CLUSTER_OPTIONS: readonly (keyof ClusterOptions)[] = [
  'leaseMs',
  'toolsWaitMs',
  'maxRunningPerOwner',
  'work',
  'dispatcher',
]

/** A lease is renewed about three times; a shorter one would be lost to a pause of the event loop. */
const MIN_LEASE_MS = 1000

/**
 * Applies the defaults; `undefined` counts as absent.
 * @throws `INVALID_OPTION`, also for an option without a shared store
 */
export function resolveClusterOptions(
  given: { readonly [Name in keyof ClusterOptions]: unknown },
  isShared: boolean,
): ClusterOptions {
  const options: Record<string, unknown> = { ...DEFAULT_CLUSTER_OPTIONS }
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue
    if (!isShared) throw invalidOption(name, 'absent: the store is not shared between processes', value)
    options[name] = value
  }
  const { leaseMs, toolsWaitMs, maxRunningPerOwner, work, dispatcher } = options
  if (!(Number.isInteger(leaseMs) && (leaseMs as number) >= MIN_LEASE_MS)) {
    throw invalidOption('leaseMs', `an integer, at least ${MIN_LEASE_MS}`, leaseMs)
  }
  if (!(typeof toolsWaitMs === 'number' && toolsWaitMs >= 0 && Number.isFinite(toolsWaitMs))) {
    throw invalidOption('toolsWaitMs', 'a finite number of milliseconds, 0 or more', toolsWaitMs)
  }
  const isCount = Number.isInteger(maxRunningPerOwner) && (maxRunningPerOwner as number) > 0
  if (maxRunningPerOwner !== undefined && !isCount) {
    throw invalidOption('maxRunningPerOwner', 'a positive integer', maxRunningPerOwner)
  }
  if (typeof work !== 'boolean') throw invalidOption('work', 'true or false', work)
  if (dispatcher !== undefined) expectMethods('dispatcher', dispatcher, ['dispatch', 'cancel', 'close'])
  return options as unknown as ClusterOptions
}
