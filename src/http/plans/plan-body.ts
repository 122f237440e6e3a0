import type { Clock } from '../../clock.ts'
import { MAX_PLAN_BYTES } from '../../engine/growth/plan-lines.ts'
import type { Planner } from '../../host/plans/planner.ts'
import { HttpProblem } from '../answers/problem.ts'
import { type Carrier, findCarrier } from '../body/carrier.ts'
import { isStandIn, markPartlyRead } from '../body/unread-body.ts'

/** A body broke off: its connection did, it was silent, or its lines are not taken any more. */
export class BrokenPlanError extends Error {
  override readonly name: string = 'BrokenPlanError'
}

/** How a body is read. */
export interface PlanBodyOptions {
  readonly clock: Clock
  /** Maximum time without a byte, ms. */
  readonly silenceMs: number
}

type Reader = ReadableStreamDefaultReader<Uint8Array>
type Chunk = IteratorResult<Uint8Array, undefined>

/** Time after the end of a body in which a reset of its stream means that it was cut off, ms. */
const CONFIRM_MS = 50

const END: Chunk = { done: true, value: undefined }

/**
 * The body of a request, as it arrives, for one reader: no chunk is read before it is asked for. A body that falls silent breaks
 * off.
 *
 * A body that is left before its end is read on and discarded where its connection is needed for the answer, up to 64 MiB; else
 * it is cancelled.
 */
export class PlanBody implements Planner {
  readonly #request: Request
  readonly #reader: Reader | undefined
  readonly #options: PlanBodyOptions
  readonly #carrier: Carrier | undefined
  #bytes = 0
  /** Of the chunk that is waited for. */
  #waiting: { readonly since: number; readonly settle: (outcome: Chunk | Error) => void } | undefined
  #isLeft = false

  /** Locks the body. @throws HttpProblem 415 where the runtime cannot read it as it arrives */
  constructor(request: Request, options: PlanBodyOptions) {
    this.#request = request
    this.#options = options
    this.#carrier = findCarrier(request)
    this.#reader = openReader(request)
    this.#carrier?.liftTimeLimit()
  }

  get silentMs(): number {
    return this.#waiting === undefined ? 0 : this.#options.clock.now() - this.#waiting.since
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return this
  }

  /** Rejects when the body breaks off. */
  next(): Promise<Chunk> {
    const reader = this.#reader
    if (this.#isLeft || reader === undefined) return Promise.resolve(END)
    const { clock, silenceMs } = this.#options
    return new Promise((resolve, reject) => {
      const stop = clock.after(silenceMs, () => this.#breakOff(`The plan was silent for ${silenceMs} ms`))
      this.#waiting = {
        since: clock.now(),
        settle: outcome => {
          stop()
          this.#waiting = undefined
          if (outcome instanceof Error) reject(outcome)
          else resolve(outcome)
        },
      }
      reader.read().then(
        chunk => this.#receive(chunk),
        (cause: unknown) => {
          this.#isLeft = true
          this.#waiting?.settle(new BrokenPlanError('The plan could not be read', { cause }))
        },
      )
    })
  }

  /** Leaves the rest of the body. Idempotent. */
  return(): Promise<Chunk> {
    this.#leave()
    return Promise.resolve(END)
  }

  abort(): void {
    this.#breakOff('The lines of the plan are not taken any more')
    if (this.#carrier === undefined) this.#reader?.cancel().catch(() => {})
    else this.#carrier.abort()
  }

  /** Nothing of it is used: a refusal follows, before which an adapter has to read the rest. */
  release(): void {
    if (this.#isLeft || this.#waiting !== undefined) return this.#leave()
    this.#isLeft = true
    markPartlyRead(this.#request)
    this.#reader?.releaseLock()
  }

  #breakOff(message: string): void {
    this.#leave(new BrokenPlanError(message))
  }

  /** @param outcome of the chunk that is waited for, which is discarded as it comes */
  #leave(outcome: Chunk | Error = END): void {
    if (this.#isLeft) return
    this.#isLeft = true
    const isNeeded = this.#carrier !== undefined || isStandIn(this.#request)
    if (!isNeeded) this.#reader?.cancel().catch(() => {})
    else if (this.#waiting === undefined) this.#readOn()
    this.#waiting?.settle(outcome)
  }

  #receive({ done, value }: ReadableStreamReadResult<Uint8Array>): void {
    this.#bytes += value?.length ?? 0
    if (!this.#isLeft) {
      if (done && this.#carrier?.isReset !== undefined) return this.#confirmEnd(this.#carrier.isReset)
      this.#isLeft = done
      this.#waiting?.settle(done ? END : { done, value })
    } else if (!done && this.#bytes <= MAX_PLAN_BYTES) this.#readOn()
    else this.#reader?.releaseLock()
  }

  /** The body has ended, and was not sealed before. */
  #confirmEnd(isReset: () => boolean): void {
    this.#options.clock.after(CONFIRM_MS, () => {
      if (this.#isLeft) return
      this.#isLeft = true
      this.#waiting?.settle(isReset() ? new BrokenPlanError('The request of the plan was cancelled') : END)
    })
  }

  #readOn(): void {
    // Its failure no longer matters.
    this.#reader?.read().then(
      chunk => this.#receive(chunk),
      () => {},
    )
  }
}

/** `undefined` for a request without a body. */
function openReader(request: Request): Reader | undefined {
  const body: unknown = 'body' in request ? request.body : undefined
  if (body === null) return undefined
  if (typeof (body as ReadableStream | undefined)?.getReader === 'function') {
    return (body as ReadableStream<Uint8Array>).getReader()
  }
  const detail = 'This server cannot read a plan while it arrives: send a workflow, as `application/json`'
  throw new HttpProblem(415, { title: 'Unsupported media type', detail, code: 'STREAMING_UNSUPPORTED' })
}
