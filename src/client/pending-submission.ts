import type { Clock } from '../clock.ts'
import { DagstreamError } from '../errors.ts'
import type { Started } from './execution-api.ts'
import { findStatus } from './failures.ts'
import type { StreamReconnectionManager } from './reconnection.ts'

/** Time that an in-flight request has left to be answered after an abort, ms: the answer carries the id to cancel by. */
const ABORT_GRACE_MS = 1000

/** Submits the workflow, once. `untilAnswered` aborts the request, but not the reading of its response. */
export type Submit = (untilAnswered: AbortSignal) => Promise<Started>

/** The submission of a workflow: repeated until the server answers, unless it is aborted before. */
export class PendingSubmission {
  readonly started: Promise<Started>
  readonly #clock: Clock
  readonly #run: AsyncGenerator<Started, void, undefined>
  #isUnderWay = false
  #isOver = false
  #isAborted = false
  /** Whether the server may have accepted the last request although its answer was lost. */
  #mayRun = false
  #stopTimer: (() => void) | undefined

  /** @param manager retry policy for failed requests */
  constructor(submit: Submit, manager: StreamReconnectionManager, clock: Clock) {
    this.#clock = clock
    this.#run = manager.run((_, signal) => this.#attempt(submit, signal))
    this.started = this.#finish()
  }

  /**
   * Stops the retries and aborts the in-flight request unless it is answered within 1 s. Idempotent, and a no-op once the
   * server has answered. Otherwise `started` rejects with `CANCELLED` and `details.mayRun`.
   */
  abort(): void {
    if (this.#isAborted || this.#isOver) return
    this.#isAborted = true
    if (this.#isUnderWay) this.#stopTimer = this.#clock.after(ABORT_GRACE_MS, () => this.#giveUp())
    else this.#giveUp()
  }

  async #finish(): Promise<Started> {
    try {
      const { value } = await this.#run.next()
      if (value === undefined) throw describeAbort(this.#mayRun)
      return value
    } finally {
      this.#isOver = true
      this.#stopTimer?.()
      await this.#run.return()
    }
  }

  async #attempt(submit: Submit, signal: AbortSignal): Promise<AsyncIterable<Started>> {
    this.#isUnderWay = true
    try {
      return once(await submit(signal))
    } catch (error) {
      this.#isUnderWay = false
      this.#mayRun = mayHaveBeenTaken(error)
      if (this.#isAborted) this.#giveUp()
      throw error
    }
  }

  #giveUp(): void {
    if (this.#isUnderWay) this.#mayRun = true
    // Never rejects: `next` reports the run's failure.
    void this.#run.return()
  }
}

/** Whether an error reports a submission that was aborted and that no server runs. */
export function isAbortedSubmission(error: unknown): boolean {
  return error instanceof DagstreamError && error.code === 'CANCELLED' && error.details['mayRun'] === false
}

/** Only an answer of the server itself rules it out; without one, or with a gateway's, the outcome is unknown. */
function mayHaveBeenTaken(error: unknown): boolean {
  const status = findStatus(error)
  return status === undefined || (status >= 500 && status !== 503)
}

function describeAbort(mayRun: boolean): DagstreamError {
  const message = mayRun
    ? 'Cancelled before the server answered; if it has taken the workflow on, it ends it as its `onDisconnect` says'
    : 'Cancelled before the server had taken the workflow on'
  return new DagstreamError('CANCELLED', message, { details: { mayRun } })
}

async function* once<T>(item: T): AsyncGenerator<T, void, undefined> {
  yield item
}
