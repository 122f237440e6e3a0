import type { ExecutionStore, StoredExecution } from '../store/execution-store.ts'
import type { ExecutionNotes } from '../log/execution-notes.ts'
import type { Logger } from '../log/logger.ts'
import type { ToolRegistry } from '../tools/registry.ts'
import type { ToolShelf } from '../tools/tool-provider.ts'
import type { HostedExecution, Loss } from './hosted-execution.ts'
import type { RunningExecutions } from './running-executions.ts'
import type { StoreRetries } from './store-retries.ts'

/** Where executions go on. */
export interface RecoveryHost {
  readonly store: ExecutionStore
  readonly tools: ToolShelf
  readonly logger: Logger
  readonly retries: StoreRetries
  readonly goOn: (
    stored: StoredExecution,
    tools: ToolRegistry,
    notes: ExecutionNotes,
    loss?: Loss,
  ) => Promise<HostedExecution>
  readonly running: RunningExecutions
  /** Called whenever one more has gone on, or is not going to. */
  readonly onLess: () => void
}
