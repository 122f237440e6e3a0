import type { Clock } from '../clock.ts'
import { DagstreamError } from '../errors.ts'
import type { Started } from './execution-api.ts'
import { findStatus } from './failures.ts'
import type { StreamReconnectionManager } from './reconnection.ts'

/** How long a request that is under way may take to be answered once the workflow is withdrawn, ms: the answer has the id to cancel by. */
const WITHDRAWAL_MS = 1000

/** Hands the workflow in, once. `untilAnswered` gives the request up, but not its answer. */
export type HandIn = (untilAnswered: AbortSignal) => Promise<Started>

/** A workflow on its way to a server: handed in again until that has answered, unless it is withdrawn before. */
export class Starting {
  readonly started: Promise<Started>
  readonly #clock: Clock
  readonly #run: AsyncGenerator<Started, void, undefined>
  #isUnderWay = false
  #isOver = false
  #isWithdrawn = false
  /** Whether the last request may have reached the server without its answer reaching us. */
  #mayRun = false
  #stopTimer: (() => void) | undefined

  /** @param manager how failures are tried again */
  constructor(handIn: HandIn, manager: StreamReconnectionManager, clock: Clock) {
    this.#clock = clock
    this.#run = manager.run((_, signal) => this.#attempt(handIn, signal))
    this.started = this.#finish()
  }

  /**
   * Nothing is tried again, and what is under way is given up unless it is answered within 1 s. Harmless to repeat, and
   * once the server has answered. `started` then rejects with `CANCELLED`, and `details.mayRun`.
   */
  withdraw(): void {
    if (this.#isWithdrawn || this.#isOver) return
    this.#isWithdrawn = true
    if (this.#isUnderWay) this.#stopTimer = this.#clock.after(WITHDRAWAL_MS, () => this.#giveUp())
    else this.#giveUp()
  }

  async #finish(): Promise<Started> {
    try {
      const { value } = await this.#run.next()
      if (value === undefined) throw describeWithdrawal(this.#mayRun)
      return value
    } finally {
      this.#isOver = true
      this.#stopTimer?.()
      await this.#run.return()
    }
  }

  async #attempt(handIn: HandIn, signal: AbortSignal): Promise<AsyncIterable<Started>> {
    this.#isUnderWay = true
    try {
      return once(await handIn(signal))
    } catch (error) {
      this.#isUnderWay = false
      this.#mayRun = mayHaveBeenTaken(error)
      if (this.#isWithdrawn) this.#giveUp()
      throw error
    }
  }

  #giveUp(): void {
    if (this.#isUnderWay) this.#mayRun = true
    // It never rejects: what the run fails with is told by `next`.
    void this.#run.return()
  }
}

/** Whether an error is that of a workflow that was withdrawn, and that no server runs. */
export function isWithdrawn(error: unknown): boolean {
  return error instanceof DagstreamError && error.code === 'CANCELLED' && error.details['mayRun'] === false
}

/** An answer of the server itself says that it has not; without one, or with that of a gateway, nobody knows. */
function mayHaveBeenTaken(error: unknown): boolean {
  const status = findStatus(error)
  return status === undefined || (status >= 500 && status !== 503)
}

function describeWithdrawal(mayRun: boolean): DagstreamError {
  const message = mayRun
    ? 'Cancelled before the server answered; if it has taken the workflow on, it ends it as its `onDisconnect` says'
    : 'Cancelled before the server had taken the workflow on'
  return new DagstreamError('CANCELLED', message, { details: { mayRun } })
}

async function* once<T>(item: T): AsyncGenerator<T, void, undefined> {
  yield item
}
