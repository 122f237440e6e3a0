import { invalidOption } from '../errors.ts'
import type { PatchedPlan, PlanPatch } from '../engine/growth/patch-shape.ts'
import type { ExecutionResult } from '../engine/execution-result.ts'
import { type CancelOptions, resolveCancelOptions } from './cancel-options.ts'
import { buildClosingEvents, pollResult } from './degraded.ts'
import { type ClientEvent, readEvents, type Started } from './execution-api.ts'
import { StreamInterruptedError } from './failures.ts'
import type { Reply } from './reply.ts'
import type { RemoteExecutionParts, Session } from './session.ts'
import { isAbortedSubmission, type PendingSubmission } from './pending-submission.ts'
import { AbortScope } from './abort-scope.ts'

/** Pause of a reader after which `result` stops relying on it, ms. */
const READER_PAUSE_MS = 1000

/**
 * An execution on a server, seen from a client.
 * Iterating yields its events, each once and in order, across lost connections. The first iterator reads the response of the
 * submission; each further one is a separate subscription from the first event (from `after`, for `subscribe`). Leaving the
 * loop only detaches: the request is aborted, and the server's `onDisconnect` decides about the execution.
 * Iterate it, or await `result`: the server closes an unread stream after its stall timeout and counts it as disconnected.
 */
export class RemoteExecution implements AsyncIterable<ClientEvent> {
  readonly #session: Session
  readonly #started: Promise<Started>
  readonly #signal: AbortSignal | undefined
  readonly #after: string | undefined
  /** Set if this client submitted the execution. */
  readonly #starting: PendingSubmission | undefined
  readonly #reopen: NonNullable<RemoteExecutionParts['reopen']>
  readonly #onEvent: ((event: ClientEvent) => void) | undefined
  #isReplyTaken = false
  #isDegraded = false
  /** Highest position that any reader has reached. */
  #lastEventId: string | undefined
  #hasEnded = false
  readonly #readers = new Set<Reader>()
  /** Number of items delivered to readers; constant while they pause. */
  #stepCount = 0
  #result: Promise<ExecutionResult> | undefined
  #wakeResult: (() => void) | undefined

  /** Made by a client. */
  constructor(session: Session, started: Promise<Started>, options: RemoteExecutionParts = {}) {
    this.#session = session
    this.#started = started
    this.#signal = options.signal
    this.#after = options.after
    this.#starting = options.starting
    this.#reopen = options.reopen ?? ((...where) => session.api.openEvents(...where))
    this.#onEvent = options.onEvent
    started.catch(() => {})
  }

  /** Resolves once the server has answered; rejects if it refuses the workflow. Never an unhandled rejection. */
  get executionId(): Promise<string> {
    return ignoreRejection(this.#started.then(({ executionId }) => executionId))
  }

  /**
   * The result, with whole outputs, once the execution has ended. Never an unhandled rejection.
   * If nobody iterates, or the readers pause for more than a second, it follows the stream itself.
   * @throws as iterating does
   */
  get result(): Promise<ExecutionResult> {
    this.#result ??= ignoreRejection(this.#finish())
    return this.#result
  }

  /** Whether events were derived from the result because the runtime cannot read a response while it arrives. */
  get degraded(): boolean {
    return this.#isDegraded
  }

  /**
   * Answers an open question of a task, by the `inputId` of its `input_required`; `false` declines an approval.
   * Rejects with `HTTP_ERROR`: 409 (`INPUT_CLOSED`) if it is no longer open, 422 with `issues` for an answer that does not fit.
   */
  async answer(inputId: string, response: unknown): Promise<void> {
    if (response === undefined) throw invalidOption('response', 'JSON', response)
    await this.#session.answer(await this.executionId, inputId, { response })
  }

  /** Declines an open question; errors as for `answer`. */
  async decline(inputId: string): Promise<void> {
    await this.#session.answer(await this.executionId, inputId, { decline: true })
  }

  /** Changes the document, all or nothing; a lost answer may make its repetition fail. Rejects with `HTTP_ERROR`: 409, 422. */
  async patch(patch: PlanPatch): Promise<PatchedPlan> {
    return this.#session.patch(await this.executionId, patch)
  }

  /**
   * Asks the server to cancel the execution: its `finally` tasks run. A second call ends those; after the end it has no
   * effect. Resolves once the server has accepted.
   * Before the server has answered, the submission is aborted: it is not retried, and an in-flight request is dropped unless it
   * is answered within 1 s. Every wait for the execution then rejects with `CANCELLED`; so does this call if the server may
   * have accepted the workflow nevertheless (`details.mayRun`).
   * @throws `INVALID_OPTION`
   */
  async cancel(options: CancelOptions = {}): Promise<void> {
    const signal = resolveCancelOptions(options)
    this.#starting?.abort()
    const scope = new AbortScope(this.#session.clock, signal)
    try {
      const { executionId } = await scope.for(this.#started)
      await this.#session.cancel(executionId, signal)
    } catch (error) {
      if (!isAbortedSubmission(error)) throw error
    } finally {
      scope.close()
    }
  }

  /**
   * @throws DagstreamError `CONNECTION_LOST`, `HTTP_ERROR`, `INVALID_SSE`, or `INVALID_EVENT_ID` for events of another
   * execution; the reason of the signal
   */
  [Symbol.asyncIterator](): AsyncIterator<ClientEvent, undefined> {
    const events = this.#read(true, this.#after)
    const reader: Reader = { askedCount: 0, isOver: false }
    return {
      next: async () => {
        if (!reader.isOver) this.#readers.add(reader)
        reader.askedCount += 1
        try {
          const step = await events.next()
          if (step.done !== true) this.#see(step.value)
          else if (!reader.isOver) this.#hasEnded = true
          if (step.done === true) this.#release(reader)
          return step as IteratorResult<ClientEvent, undefined>
        } catch (error) {
          this.#release(reader)
          throw error
        } finally {
          reader.askedCount -= 1
        }
      },
      return: async () => {
        this.#release(reader)
        await events.return()
        return { value: undefined, done: true }
      },
    }
  }

  #read(isShown: boolean, lastEventId?: string): AsyncGenerator<ClientEvent, void, undefined> {
    return this.#session
      .createManager(this.#signal, isShown)
      .run((last, signal) => this.#open(last, signal), lastEventId)
  }

  async #open(lastEventId: string | undefined, signal: AbortSignal): Promise<AsyncIterable<ClientEvent>> {
    const reply = await this.#takeReply(lastEventId, signal)
    const { executionId } = await this.#started
    if (reply === undefined) return NOTHING
    if (reply.isIncremental) return readEvents(reply, executionId)
    this.#isDegraded = true
    return this.#poll(reply, executionId, signal)
  }

  /** The submission's response for the first reader, a subscription for every other. */
  async #takeReply(lastEventId: string | undefined, signal: AbortSignal): Promise<Reply | undefined> {
    const isFirst = !this.#isReplyTaken
    this.#isReplyTaken = true
    const { executionId, reply } = await this.#started
    if (!isFirst || reply === undefined) return this.#reopen(executionId, lastEventId, signal)
    // The request was sent before its reader existed and does not observe the reader's signal.
    if (signal.aborted) reply.close()
    else signal.addEventListener('abort', () => reply.close(), { once: true })
    return reply
  }

  /** Holds the response open until the end: a server without a connected reader may cancel the execution. */
  async *#poll(kept: Reply, executionId: string, signal: AbortSignal): AsyncGenerator<ClientEvent, void, undefined> {
    const { api, clock } = this.#session
    try {
      yield* buildClosingEvents(await pollResult(api, executionId, clock, signal), clock)
    } finally {
      kept.close()
    }
  }

  async #finish(): Promise<ExecutionResult> {
    const { executionId } = await this.#started
    await this.#awaitEnd()
    const { api } = this.#session
    return this.#session.repeat(async () => {
      const result = await api.findResult(executionId, this.#signal)
      if (result === undefined) throw new StreamInterruptedError('The stream has ended, but there is no result yet')
      return result
    }, this.#signal)
  }

  async #awaitEnd(): Promise<void> {
    // No second connection while a reader makes progress.
    for (let seen = -1; !this.#hasEnded && this.#isReadSince(seen); ) {
      seen = this.#stepCount
      await new Promise<void>(resolve => {
        const stopTimer = this.#session.clock.after(READER_PAUSE_MS, resolve)
        this.#wakeResult = () => {
          stopTimer()
          resolve()
        }
      })
    }
    if (this.#hasEnded) return
    for await (const event of this.#read(false, this.#lastEventId ?? this.#after)) this.#see(event)
    this.#hasEnded = true
  }

  #isReadSince(stepCount: number): boolean {
    const readers = [...this.#readers]
    return readers.some(({ askedCount }) => askedCount > 0) || (readers.length > 0 && stepCount !== this.#stepCount)
  }

  #see(event: ClientEvent): void {
    this.#stepCount += 1
    this.#lastEventId = event.id ?? this.#lastEventId
    this.#onEvent?.(event)
    if (event.type !== 'execution_complete') return
    this.#hasEnded = true
    this.#wakeResult?.()
  }

  #release(reader: Reader): void {
    reader.isOver = true
    this.#readers.delete(reader)
    this.#wakeResult?.()
  }
}

/** An active iterator. */
interface Reader {
  /** Number of pending `next` calls. */
  askedCount: number
  isOver: boolean
}

/** The remaining events of a finished execution that was read completely: none. */
const NOTHING: AsyncIterable<never> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ value: undefined, done: true as const }) }),
}

/** Prevents an unhandled rejection when nobody awaits the promise. */
function ignoreRejection<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
