import type { Clock } from '../clock.ts'
import type { Parked, Stop } from '../events/events.ts'
import type { ExecutionStore, StoredExecution } from '../store/execution-store.ts'
import type { Logger } from '../log/logger.ts'
import type { ToolRegistry } from '../tools/registry.ts'
import type { ToolShelf } from '../tools/tool-provider.ts'
import type { HostedExecution, Loss } from './hosted-execution.ts'
import type { RunningExecutions } from './running-executions.ts'
import type { StoreRetries } from './store-retries.ts'

/** Where executions are resumed. */
export interface RecoveryHost {
  readonly store: ExecutionStore
  readonly tools: ToolShelf
  readonly logger: Logger
  readonly clock: Clock
  readonly retries: StoreRetries
  /** Resumes one by hand. */
  readonly resume: (stored: StoredExecution, tools: ToolRegistry, stop?: Stop) => Promise<HostedExecution>
  /** Resumes one that was cut off, or says why it is parked instead. */
  readonly recover: (stored: StoredExecution, tools: ToolRegistry, loss?: Loss) => Promise<HostedExecution | Parked>
  readonly running: RunningExecutions
  /** Called whenever one more has gone on, or is not going to. */
  readonly onLess: () => void
}
