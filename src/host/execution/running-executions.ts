import { DagstreamError } from '../../errors.ts'
import type { ExecutionLoop } from '../../engine/execution-loop.ts'
import type { TaskActivity } from '../../engine/loop-parts.ts'
import type { Logger } from '../../log/logger.ts'
import { isStoreFailure } from '../storage/call-store.ts'
import { describeError } from '../../log/describe-error.ts'
import { type Claimant, isRepeat } from '../../http/body/execution-request.ts'
import type { HostedExecution } from './hosted-execution.ts'
import type { Meters } from '../observers/meters.ts'

/** Who is told of executions that do not run any more. */
export interface RunningHost {
  readonly meters: Meters
  readonly logger: Logger
  /** One has ended, and its log is whole. */
  readonly onEnded: (hosted: HostedExecution) => void
  /** The store failed one: it may go on once that works again. */
  readonly onLost: (hosted: HostedExecution) => void
  readonly onLess: () => void
}

/** The executions that run in this process, or are about to. */
export class RunningExecutions {
  readonly #host: RunningHost
  readonly #all = new Map<string, HostedExecution>()

  constructor(host: RunningHost) {
    this.#host = host
  }

  get size(): number {
    return this.#all.size
  }

  /** Of all their tasks. */
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

  /** Whether the same is being registered at this moment: the store will tell which of the two is first. */
  isStarting(claimant: Claimant): boolean {
    return Array.from(this.#all.values()).some(({ record }) => isRepeat(record, claimant))
  }

  /** One that is about to run: it is found here from now on. */
  add(hosted: HostedExecution): void {
    this.#all.set(hosted.executionId, hosted)
  }

  /** One that did not come to run, or has. */
  remove({ executionId }: HostedExecution): void {
    this.#all.delete(executionId)
    this.#host.onLess()
  }

  /** From its end on it is not found here any more. */
  follow(hosted: HostedExecution, { ended }: ExecutionLoop): void {
    ended.then(
      () => this.#ended(hosted),
      (error: unknown) => this.#ended(hosted, error),
    )
  }

  #ended(hosted: HostedExecution, error?: unknown): void {
    const { meters, logger, onEnded, onLost } = this.#host
    const { executionId, status } = hosted
    hosted.audience.close()
    if (status !== 'running' && status !== 'parked') {
      meters.executions[status] += 1
      onEnded(hosted)
    } else if (error instanceof DagstreamError && error.code === 'SHUTTING_DOWN') {
      logger.warn('An execution is left to the next process', { executionId })
    } else {
      meters.executions.lost += 1
      logger.warn('An execution was lost', { executionId, error: describeError(error) })
      if (isStoreFailure(error)) onLost(hosted)
    }
    this.remove(hosted)
  }
}
