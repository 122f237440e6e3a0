import type { Clock } from '../../clock.ts'
import type { ExecutionLoop } from '../../engine/execution-loop.ts'
import type { ResumeContext } from '../../engine/resume/resume.ts'
import type { ExecutionStore, StoredExecution } from '../../store/execution-store.ts'
import type { Lease } from '../../log/event-log.ts'
import type { Logger } from '../../log/logger.ts'
import type { ToolResolver } from '../../tools/tool-resolver.ts'
import type { HostedExecution } from '../execution/hosted-execution.ts'
import type { StoreFailure } from '../execution/hosted-parts.ts'
import type { RunningExecutions } from '../execution/running-executions.ts'
import type { ObserverHub } from '../../engine/observers/observer-hub.ts'
import type { StoreRetries } from '../storage/store-retries.ts'

/** What a resumed execution continues with. */
export interface LoopOrigin {
  /** The store failure in this process that it is resumed after. */
  readonly failure?: StoreFailure | undefined
  /** On a shared store. */
  readonly lease?: Lease | undefined
}

/** The right to resume executions of a shared store. */
export interface RecoveryLeases {
  /** @throws `INTERRUPTED` while another server coordinates the execution; the errors of the store */
  claim(executionId: string): Promise<Lease>
  /** Never rejects. */
  release(lease: Lease): Promise<void>
  /** After a takeover that failed: otherwise another server would try at once, and fail as well. */
  releaseLater(lease: Lease): void
}

/** The parts of a host that its recovery works with. */
export interface RecoveryContext {
  readonly store: ExecutionStore
  readonly tools: ToolResolver
  readonly logger: Logger
  readonly clock: Clock
  readonly retries: StoreRetries
  readonly observers: ObserverHub
  /** The options and counters of resumed executions. */
  readonly resume: Pick<ResumeContext, 'options' | 'counters' | 'isAttended' | 'workflows'>
  /** Takes a resumed execution in: from now on it is found and followed. */
  readonly adopt: (stored: StoredExecution, loop: ExecutionLoop, origin?: LoopOrigin) => HostedExecution
  /** The leases of a shared store. */
  readonly leases: RecoveryLeases | undefined
  readonly running: RunningExecutions
  /** Called whenever an execution was resumed, or will not be. */
  readonly onRelease: () => void
}
