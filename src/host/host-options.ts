import type { ResolvedOptions } from '../engine/options.ts'
import type { WorkflowRegistry } from '../plan/workflow-registry.ts'
import type { ExecutionStore } from '../store/execution-store.ts'
import type { ToolResolver } from '../tools/tool-resolver.ts'
import type { ExecutionObserver } from '../engine/observers/execution-observer.ts'
import type { ClusterOptions } from './cluster/cluster-options.ts'

/** The options of a host, all present and checked. */
export interface HostOptions {
  readonly tools: ToolResolver
  /** The workflows that tasks may name. */
  readonly workflows: WorkflowRegistry | undefined
  /** The options of its executions; a request may narrow them. */
  readonly execution: ResolvedOptions & { readonly store: ExecutionStore }
  /** Default time that an execution may run without a follower, ms. */
  readonly graceMs: number
  readonly maxExecutions: number
  readonly maxSubscribers: number
  /** Time for which `close` lets running executions continue, ms. */
  readonly drainMs: number
  /** Time for which a plan that broke off waits for its planner, ms. @defaultValue 0 */
  readonly planGraceMs?: number
  readonly observers: readonly ExecutionObserver[]
  /**
   * `true`: the host recovers the executions of earlier processes, and executions without a follower are cancelled after
   * their grace. `false`: it resumes executions only on request, and they need no follower.
   */
  readonly isServer: boolean
  /** How it takes part in a shared store. */
  readonly cluster?: ClusterOptions | undefined
  /** Whether a person may answer questions: otherwise one without expiry expires at once. @defaultValue true */
  readonly isAttended?: boolean
}
