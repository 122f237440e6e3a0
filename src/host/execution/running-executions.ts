import { DagstreamError } from '../../errors.ts'
import type { ExecutionLoop } from '../../engine/execution-loop.ts'
import type { TaskActivity } from '../../engine/loop-parts.ts'
import type { Logger } from '../../log/logger.ts'
import { isStoreFailure } from '../../store/call-store.ts'
import { describeError } from '../../log/describe-error.ts'
import { tooManyExecutions } from '../errors/host-errors.ts'
import { type Claimant, isRepeat } from './claimant.ts'
import type { HostedExecution } from './hosted-execution.ts'
import type { ObserverHub } from '../../engine/observers/observer-hub.ts'

/** Executions beyond `maxExecutions` that only wait for people. Their memory is bounded by that. */
const MAX_WAITING = 10_000

/** Called when executions stop running. */
export interface RunningCallbacks {
  readonly observers: ObserverHub
  readonly logger: Logger
  /** An execution has ended, and its log is complete. */
  readonly onEnded: (hosted: HostedExecution) => void
  /** The store failed: the execution may be resumed once the store works again. */
  readonly onStoreFailure: (hosted: HostedExecution) => void
  readonly onRelease: () => void
  /** On a shared store: another server continues the execution. Called instead of `onStoreFailure`. */
  readonly onLost?: ((hosted: HostedExecution) => void) | undefined
  /** The execution is parked: it resumes only by hand. */
  readonly onParked: (hosted: HostedExecution) => void
  /** The execution was left to the next process. */
  readonly onHandedOff: (hosted: HostedExecution) => void
}

/** The executions that run in this process, or are about to. */
export class RunningExecutions {
  readonly #callbacks: RunningCallbacks
  readonly #all = new Map<string, HostedExecution>()

  constructor(callbacks: RunningCallbacks) {
    this.#callbacks = callbacks
  }

  get size(): number {
    return this.#all.size
  }

  /** How many take a place: those that only wait for people take none. */
  get busyCount(): number {
    let count = 0
    for (const hosted of this.#all.values()) if (!hosted.isPersonAwaited) count += 1
    return count
  }

  /** @param others that take a place and are not here. @throws `TOO_MANY_EXECUTIONS` where no other may begin */
  expectRoom(maxExecutions: number, others: number): void {
    if (this.busyCount + others >= maxExecutions) throw tooManyExecutions(maxExecutions)
    if (this.size >= maxExecutions + MAX_WAITING) throw tooManyExecutions(maxExecutions + MAX_WAITING)
  }

  /** The activity of all their tasks. */
  get activity(): TaskActivity {
    const sum = { running: 0, slot: 0, limit: 0, retry: 0 }
    for (const { activity } of this.#all.values()) {
      sum.running += activity?.running ?? 0
      sum.slot += activity?.slot ?? 0
      sum.limit += activity?.limit ?? 0
      sum.retry += activity?.retry ?? 0
    }
    return sum
  }

  all(): Iterable<HostedExecution> {
    return this.#all.values()
  }

  get(executionId: string): HostedExecution | undefined {
    return this.#all.get(executionId)
  }

  /** Whether a repeat of the claimant is being registered: the store decides which of the two is first. */
  isStarting(claimant: Claimant): boolean {
    return Array.from(this.#all.values()).some(({ record }) => isRepeat(record, claimant))
  }

  /** Adds an execution that is about to run. */
  add(hosted: HostedExecution): void {
    this.#all.set(hosted.executionId, hosted)
  }

  /** Removes an execution that has stopped running, or never ran. */
  remove(hosted: HostedExecution): void {
    const { executionId } = hosted
    // It may have been taken over here again.
    if (this.#all.get(executionId) === hosted) this.#all.delete(executionId)
    this.#callbacks.onRelease()
  }

  /** Removes the execution at its end. */
  follow(hosted: HostedExecution, { ended }: ExecutionLoop): void {
    ended.then(
      () => this.#ended(hosted),
      (error: unknown) => this.#ended(hosted, error),
    )
  }

  #ended(hosted: HostedExecution, error?: unknown): void {
    const { observers, logger, onEnded, onStoreFailure, onLost, onHandedOff, onParked } = this.#callbacks
    const { executionId, status } = hosted
    hosted.disconnectPolicy.close()
    if (status !== 'running' && status !== 'parked') {
      observers.end(executionId, status)
      onEnded(hosted)
    } else if (error instanceof DagstreamError && error.code === 'SHUTTING_DOWN') {
      observers.end(executionId, 'handed_off')
      logger.warn('An execution is handed off to the next process', { executionId })
      onHandedOff(hosted)
    } else if (error instanceof DagstreamError && error.code === 'CRASH_LIMIT') {
      observers.end(executionId, 'parked')
      logger.warn('An execution is parked', { executionId, reason: error.message })
      onParked(hosted)
    } else {
      observers.end(executionId, 'lost')
      logger.warn('An execution was lost', { executionId, error: describeError(error) })
      if (onLost !== undefined) onLost(hosted)
      else if (isStoreFailure(error)) onStoreFailure(hosted)
    }
    this.remove(hosted)
  }
}
