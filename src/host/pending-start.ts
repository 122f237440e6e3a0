import type { ToolRegistry } from '../tools/registry.ts'
import type { Claimant } from '../http/body/execution-request.ts'
import type { HostedExecution } from './execution/hosted-execution.ts'
import { badRequest } from '../http/answers/problem.ts'

/** What is done once the tools are there; nothing of the execution has been before. */
export interface PreparationSteps {
  readonly begin: (tools: ToolRegistry) => Promise<HostedExecution>
  /** Called once, right before `begin`, or where it will never be called. */
  readonly onOver: () => void
}

/**
 * The wait for the tools of an execution, by the request that asked for it and by its repeats under the same key.
 *
 * Whatever comes first decides: the tools, their failure, a refusal, or that all who waited have left.
 */
export class Preparation {
  readonly claimant: Claimant
  readonly #steps: PreparationSteps
  readonly #over = new AbortController()
  readonly #execution: Promise<HostedExecution>
  #resolve: (execution: Promise<HostedExecution>) => void = () => {}
  #waitingCount = 0

  constructor(claimant: Claimant, tools: Promise<ToolRegistry>, steps: PreparationSteps) {
    this.claimant = claimant
    this.#steps = steps
    this.#execution = new Promise(resolve => (this.#resolve = resolve))
    tools.then(
      found => this.#end(() => steps.begin(found)),
      (error: unknown) => this.refuse(error),
    )
  }

  /**
   * One more waits, until `signal` aborts; without one to the end.
   * @returns rejects with what `begin` and the tools reject with, and with an HttpProblem once it has left
   */
  join(signal: AbortSignal | undefined): Promise<HostedExecution> {
    this.#waitingCount += 1
    return new Promise((resolve, reject) => {
      this.#execution.then(resolve, reject)
      if (signal === undefined) return
      const leave = (): void => {
        this.#waitingCount -= 1
        const gone = badRequest('The client has left before its execution began')
        if (this.#waitingCount === 0) this.refuse(gone)
        reject(gone)
      }
      // Once it has begun, the answer tells who follows it.
      signal.addEventListener('abort', leave, { once: true, signal: this.#over.signal })
      if (signal.aborted) leave()
    })
  }

  /** Nothing is to begin any more; harmless once something has. */
  refuse(error: unknown): void {
    this.#end(async () => {
      throw error
    })
  }

  #end(outcome: () => Promise<HostedExecution>): void {
    if (this.#over.signal.aborted) return
    this.#over.abort()
    this.#steps.onOver()
    this.#resolve(outcome())
  }
}
