import type { DagstreamError } from '../errors.ts'
import type { EventFor } from '../events/events.ts'
import type { ExecutionState } from '../events/execution-state.ts'
import { buildResult, type ExecutionResult } from './execution-result.ts'

interface Source {
  readonly tasks: readonly { readonly id: string }[]
  readonly state: ExecutionState
}

/** The promises of the end and the result of an execution. */
export class ExecutionOutcome {
  /** Resolves at every end; rejects if the log failed or the execution was handed off. */
  readonly ended: Promise<void>
  /** Resolves once the execution has started, or will not start. */
  readonly begun: Promise<void>
  /** The execution has started. */
  begin!: () => void
  /** The data of `execution_complete`, once it is recorded. */
  end: EventFor<'execution_complete'>['data'] | undefined
  #source: Source | undefined
  #result: Promise<ExecutionResult> | undefined
  #resolve!: () => void
  #reject!: (error: DagstreamError) => void

  constructor() {
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.begun = new Promise(resolve => (this.begin = resolve))
    // Prevent an unhandled rejection when nobody awaits `ended`.
    this.ended.catch(() => {})
  }

  /** Built on first use; rejects as `ended` does. */
  get result(): Promise<ExecutionResult> {
    if (this.#result === undefined) {
      this.#result = this.ended.then(() => {
        const { tasks, state } = this.#source as Source
        return buildResult(tasks, state)
      })
      this.#result.catch(() => {})
    }
    return this.#result
  }

  /**
   * The last event is in the log. The result is built from the state on first use.
   * @param tasks of the document, in the order of the results
   */
  complete(
    tasks: Source['tasks'],
    state: ExecutionState,
    end: EventFor<'execution_complete'>['data'] | undefined = this.end,
  ): void {
    this.end = end
    this.#source = { tasks, state }
    this.begin()
    this.#resolve()
  }

  fail(error: DagstreamError): void {
    this.begin()
    this.#reject(error)
  }
}
