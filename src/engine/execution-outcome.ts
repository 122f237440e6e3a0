import type { DagstreamError } from '../errors.ts'
import type { EventFor } from '../events/events.ts'
import type { ExecutionState } from '../events/execution-state.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import { buildResult, type ExecutionResult } from './execution-result.ts'

/** The promises of the end and the result of an execution. */
export class ExecutionOutcome {
  /** Resolves at every end; rejects if the log failed or the execution was handed off. */
  readonly ended: Promise<void>
  /** The data of `execution_complete`, once it is recorded. */
  end: EventFor<'execution_complete'>['data'] | undefined
  #source: { readonly plan: ExecutionPlan; readonly state: ExecutionState } | undefined
  #result: Promise<ExecutionResult> | undefined
  #resolve!: () => void
  #reject!: (error: DagstreamError) => void

  constructor() {
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Prevent an unhandled rejection when nobody awaits `ended`.
    this.ended.catch(() => {})
  }

  /** Built on first use; rejects as `ended` does. */
  get result(): Promise<ExecutionResult> {
    if (this.#result === undefined) {
      this.#result = this.ended.then(() => {
        const { plan, state } = this.#source as { readonly plan: ExecutionPlan; readonly state: ExecutionState }
        return buildResult(plan.tasks, state)
      })
      this.#result.catch(() => {})
    }
    return this.#result
  }

  /** The last event is in the log. The result is built from the plan and the state on first use. */
  complete(plan: ExecutionPlan, state: ExecutionState): void {
    this.#source = { plan, state }
    this.#resolve()
  }

  fail(error: DagstreamError): void {
    this.#reject(error)
  }
}
