import type { DagstreamError } from '../errors.ts'
import type { EventFor } from '../events/events.ts'
import type { ExecutionState } from '../events/state.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import { buildResult, type ExecutionResult } from './execution-result.ts'

/** How an execution ends for those who wait for it. */
export class ExecutionOutcome {
  /** Resolves at every end; rejects when the log could not be kept, and when the execution was handed off. */
  readonly ended: Promise<void>
  /** The data of `execution_complete`, from the moment at which that is recorded. */
  end: EventFor<'execution_complete'>['data'] | undefined
  readonly #plan: ExecutionPlan
  readonly #state: ExecutionState
  #result: Promise<ExecutionResult> | undefined
  #resolve!: () => void
  #reject!: (error: DagstreamError) => void

  constructor(plan: ExecutionPlan, state: ExecutionState) {
    this.#plan = plan
    this.#state = state
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Prevent an unhandled rejection when nobody awaits `ended`.
    this.ended.catch(() => {})
  }

  /** Put together on first use; rejects as `ended` does. */
  get result(): Promise<ExecutionResult> {
    if (this.#result === undefined) {
      this.#result = this.ended.then(() => buildResult(this.#plan.tasks, this.#state))
      this.#result.catch(() => {})
    }
    return this.#result
  }

  /** The last event is in the log. */
  complete(): void {
    this.#resolve()
  }

  fail(error: DagstreamError): void {
    this.#reject(error)
  }
}
