import { onAbort } from '../abort-signals.ts'
import { AbortScope } from './abort-scope.ts'
import type { Clock } from '../clock.ts'
import { type ExecutionApi, expectStarted, expectType, type Started } from './execution-api.ts'
import { HttpError, readField } from './failures.ts'
import type { PlanUpload } from './plan-upload.ts'
import type { Reply } from './reply.ts'
import type { Transport } from './transport.ts'

/** Number of answers in a row that only say how many lines the server has. */
const MAX_CORRECTIONS = 4

const STREAM = 'text/event-stream'

/** One connection of a plan. */
interface PlanConnection {
  /** Idempotency key: it alone identifies the plan. */
  readonly key: string
  readonly signal?: AbortSignal | undefined
  readonly untilAnswered?: AbortSignal
  readonly lastEventId?: string | undefined
}

/** Sends plans that are still being written. Without retries. */
export class PlanApi {
  readonly #transport: Transport
  readonly #api: ExecutionApi
  readonly #clock: Clock

  constructor(transport: Transport, api: ExecutionApi, clock: Clock) {
    this.#transport = transport
    this.#api = api
    this.#clock = clock
  }

  /**
   * Sends a plan from its beginning, once its first line is there. A repetition after a lost answer continues it.
   * @throws as `Transport.send`; what the source throws before the server has answered
   */
  async start(upload: PlanUpload, connection: PlanConnection): Promise<Started> {
    const { untilAnswered } = connection
    const scope = new AbortScope(this.#clock, connection.signal)
    const stop = untilAnswered && onAbort(untilAnswered, () => scope.end(untilAnswered.reason))
    try {
      await scope.for(upload.begin())
    } finally {
      stop?.()
      scope.close()
    }
    const reply = await this.#send(upload, connection, undefined)
    return { executionId: expectStarted(reply), reply: expectType(reply, STREAM) }
  }

  /**
   * Opens the events behind `lastEventId`: together with the rest of the plan, if that has to be sent.
   * @returns `undefined` if the execution has ended and none remain
   */
  async reopen(upload: PlanUpload, executionId: string, connection: PlanConnection): Promise<Reply | undefined> {
    const { lastEventId, signal } = connection
    if (!upload.isInterrupted) return this.#api.openEvents(executionId, lastEventId, signal)
    let reply: Reply
    try {
      reply = await this.#send(upload, connection, upload.accepted)
    } catch (error) {
      if (codeOf(error) !== 'PLAN_CLOSED' && upload.failure === undefined) throw error
      upload.complete()
      return this.#api.openEvents(executionId, lastEventId, signal)
    }
    if (reply.status !== 204) return expectType(reply, STREAM)
    reply.close()
    return undefined
  }

  /** @param given the number of lines that the server has; `undefined`: it may be a repetition of the whole plan */
  async #send(upload: PlanUpload, connection: PlanConnection, given: number | undefined): Promise<Reply> {
    const { key, lastEventId, signal, untilAnswered } = connection
    let line = given
    for (let count = 1; ; count++) {
      const body = upload.open(line ?? 0)
      try {
        const reply = await this.#transport.send({
          method: 'POST',
          path: 'executions',
          headers: {
            Accept: STREAM,
            'Content-Type': 'application/x-ndjson',
            'Idempotency-Key': key,
            ...(line !== undefined && { 'Plan-Line': String(line) }),
            ...(lastEventId !== undefined && { 'Last-Event-ID': lastEventId }),
          },
          body,
          ...(signal && { signal }),
          ...(untilAnswered && { untilAnswered }),
        })
        // Not every runtime leaves the body of a request once its answer is broken.
        reply.onOver(() => upload.interrupt(body))
        return reply
      } catch (error) {
        upload.interrupt(body)
        if (upload.failure !== undefined) throw upload.failure.error
        const code = codeOf(error)
        // It was complete already: the repetition of a whole plan finds it.
        if (code === 'PLAN_CLOSED' && given === undefined && line !== undefined) line = undefined
        else if (code === 'PLAN_LINE_MISMATCH' && count <= MAX_CORRECTIONS) line = correct(error, upload)
        else throw error
      }
    }
  }
}

/** @returns where to continue, as the server says @throws the error, if that part of the plan is gone */
function correct(error: unknown, upload: PlanUpload): number {
  const line = readField(readField(error, 'details'), 'planLine')
  if (typeof line === 'number' && upload.has(line)) return line
  throw error
}

function codeOf(error: unknown): unknown {
  return error instanceof HttpError ? error.details['code'] : undefined
}
