import type { ResolvedOptions } from '../engine/options.ts'
import type { ExecutionStore } from '../store/execution-store.ts'
import type { ToolResolver } from '../tools/tool-resolver.ts'
import type { ExecutionObserver } from './observers/execution-observer.ts'

/** The options of a host, all present and checked. */
export interface HostOptions {
  readonly tools: ToolResolver
  /** The options of its executions; a request may narrow them. */
  readonly execution: ResolvedOptions & { readonly store: ExecutionStore }
  /** How long an execution may run without a follower where its request does not say, ms. */
  readonly graceMs: number
  readonly maxExecutions: number
  readonly maxSubscribers: number
  /** How long `close` lets running executions go on, ms. */
  readonly drainMs: number
  readonly observers: readonly ExecutionObserver[]
  /**
   * `true`: the host recovers the executions of earlier processes, and executions without a follower are cancelled after their
   * grace. `false`: it resumes only the executions that it is asked for, and they need no follower.
   */
  readonly isServer: boolean
  /** Whether somebody may answer questions: otherwise one without expiry expires at once. @defaultValue true */
  readonly isAttended?: boolean
}
