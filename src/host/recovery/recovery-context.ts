import type { Clock } from '../../clock.ts'
import type { ExecutionLoop } from '../../engine/execution-loop.ts'
import type { ResumeContext } from '../../engine/resume/resume.ts'
import type { ExecutionStore, StoredExecution } from '../../store/execution-store.ts'
import type { Logger } from '../../log/logger.ts'
import type { ToolResolver } from '../../tools/tool-resolver.ts'
import type { HostedExecution, StoreFailure } from '../execution/hosted-execution.ts'
import type { RunningExecutions } from '../execution/running-executions.ts'
import type { ObserverHub } from '../../engine/observers/observer-hub.ts'
import type { StoreRetries } from '../storage/store-retries.ts'

/** The parts of a host that its recovery works with. */
export interface RecoveryContext {
  readonly store: ExecutionStore
  readonly tools: ToolResolver
  readonly logger: Logger
  readonly clock: Clock
  readonly retries: StoreRetries
  readonly observers: ObserverHub
  /** The options and counters of resumed executions. */
  readonly resume: Pick<ResumeContext, 'options' | 'counters' | 'isAttended'>
  /** Takes a resumed execution in: from now on it is found and followed. */
  readonly adopt: (stored: StoredExecution, loop: ExecutionLoop, failure?: StoreFailure) => HostedExecution
  readonly running: RunningExecutions
  /** Called whenever an execution was resumed, or will not be. */
  readonly onRelease: () => void
}
