import type { Clock } from '../../clock.ts'
import type { ExecutionLoop } from '../../engine/execution-loop.ts'
import type { ResumeContext } from '../../engine/resume.ts'
import type { ExecutionStore, StoredExecution } from '../../store/execution-store.ts'
import type { Logger } from '../../log/logger.ts'
import type { ToolShelf } from '../../tools/tool-provider.ts'
import type { HostedExecution, Loss } from '../execution/hosted-execution.ts'
import type { RunningExecutions } from '../execution/running-executions.ts'
import type { StoreRetries } from '../storage/store-retries.ts'

/** Where executions are resumed. */
export interface RecoveryHost {
  readonly store: ExecutionStore
  readonly tools: ToolShelf
  readonly logger: Logger
  readonly clock: Clock
  readonly retries: StoreRetries
  /** What executions are resumed with, beside their tools. */
  readonly context: ResumeContext
  /** One was resumed: it is found and followed from now on. */
  readonly adopt: (stored: StoredExecution, loop: ExecutionLoop, loss?: Loss) => HostedExecution
  readonly running: RunningExecutions
  /** Called whenever one more has gone on, or is not going to. */
  readonly onLess: () => void
}
