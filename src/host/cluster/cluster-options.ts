import type { Dispatcher } from '../../cluster/order.ts'

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
