import type { Clock } from '../../clock.ts'
import type { SharedStore } from '../../cluster/shared-store.ts'
import type { Lease } from '../../log/event-log.ts'
import type { Logger } from '../../log/logger.ts'
import type { ToolResolver } from '../../tools/tool-resolver.ts'
import type { HostedExecution } from '../execution/hosted-execution.ts'
import type { RunningExecutions } from '../execution/running-executions.ts'
import type { ClusterOptions } from './cluster-options.ts'

/** What a host on a shared store works with. */
export interface ClusterParts {
  readonly store: SharedStore
  readonly options: ClusterOptions
  readonly clock: Clock
  readonly logger: Logger
  /** 0–1. */
  readonly random: () => number
  readonly tools: ToolResolver
  /** Time for aborted tools to settle, ms. */
  readonly abortGraceMs: number
  readonly running: RunningExecutions
  /** Whether the host takes over executions that no living server coordinates. */
  readonly takesOver: boolean
  /** Takes over an execution. */
  readonly takeOver: (lease: Lease) => void
  /** Number of executions that are being taken over. */
  readonly takeoverCount: () => number
  /** A followed execution has ended, and its log is complete. */
  readonly onEnded: (hosted: HostedExecution) => void
}
