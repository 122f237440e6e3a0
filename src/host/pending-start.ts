import { DagstreamError } from '../errors.ts'
import type { ToolRegistry } from '../tools/registry.ts'
import type { Claimant } from './execution/claimant.ts'
import type { HostedExecution } from './execution/hosted-execution.ts'

export interface PendingStartCallbacks {
  /** Starts the execution once its tools are there. */
  readonly begin: (tools: ToolRegistry) => Promise<HostedExecution>
  /** Called once: right before `begin`, or where `begin` will never be called. */
  readonly onSettled: () => void
}

/**
 * An execution that waits for its tools, for the request that asked for it and for repeats under the same key.
 *
 * The first of these decides: the tools, their failure, `fail`, or the departure of the last waiter.
 */
export class PendingStart {
  readonly claimant: Claimant
  readonly #callbacks: PendingStartCallbacks
  readonly #settled = new AbortController()
  readonly #execution: Promise<HostedExecution>
  #resolve: (execution: Promise<HostedExecution>) => void = () => {}
  #waiterCount = 0

  constructor(claimant: Claimant, tools: Promise<ToolRegistry>, callbacks: PendingStartCallbacks) {
    this.claimant = claimant
    this.#callbacks = callbacks
    this.#execution = new Promise(resolve => (this.#resolve = resolve))
    tools.then(
      found => this.#settle(() => callbacks.begin(found)),
      (error: unknown) => this.fail(error),
    )
  }

  /**
   * Adds a waiter, which leaves when `signal` aborts; without a signal it waits to the end.
   * @returns rejects with what `begin` and the tools reject with, and with `CANCELLED` once the waiter has left
   */
  addWaiter(signal: AbortSignal | undefined): Promise<HostedExecution> {
    this.#waiterCount += 1
    return new Promise((resolve, reject) => {
      this.#execution.then(resolve, reject)
      if (signal === undefined) return
      const leave = (): void => {
        this.#waiterCount -= 1
        const left = new DagstreamError('CANCELLED', 'The client disconnected before its execution started')
        if (this.#waiterCount === 0) this.fail(left)
        reject(left)
      }
      // Once the execution has begun, its disconnect policy decides.
      signal.addEventListener('abort', leave, { once: true, signal: this.#settled.signal })
      if (signal.aborted) leave()
    })
  }

  /** Prevents the start; does nothing after it. */
  fail(error: unknown): void {
    this.#settle(async () => {
      throw error
    })
  }

  #settle(outcome: () => Promise<HostedExecution>): void {
    if (this.#settled.signal.aborted) return
    this.#settled.abort()
    this.#callbacks.onSettled()
    this.#resolve(outcome())
  }
}
