import { DagstreamError } from '../errors.ts'
import { MAX_RETRY_AFTER_MS } from '../attempt/retry.ts'
import { backoff } from '../backoff.ts'
import { isRetryable } from './classify-error.ts'
import { Connection, type Failure, type OpenSource } from './connection.ts'
import { describeCause } from './describe-cause.ts'
import { ConnectionLostError, findRetryAfterMs, readField, StreamInterruptedError } from './failures.ts'
import { Progress } from './progress.ts'
import {
  type ReconnectionOptions,
  type Reset,
  type ResolvedReconnectionOptions,
  resolveReconnectionOptions,
} from './reconnection-options.ts'
import { classifyItem, findItemId, isRepeated, type ItemKind } from './stream-item.ts'
import { AbortScope } from './abort-scope.ts'

/**
 * Reads a stream across lost connections: reopens its source from the last id until the stream ends well.
 *
 * A stream has **ended well** when it ends after its final item (`execution_complete`, a provider's `done` or final `error`),
 * without any item, or after an item that does not announce more. Everything else is a failure: an error of the source, or an
 * end in the middle. Transient failures (`isRetryable`) are retried with exponential backoff; all others are rethrown
 * unchanged.
 *
 * The manager counts retries across all of its runs. The count, and with it the delay, is reset by a new item (an id not seen
 * before in this run), by a stream that ended well, and after giving up. Repeated items, items without an id and `error` events
 * do not reset it, so a source without progress is given up.
 */
export class StreamReconnectionManager {
  readonly #options: ResolvedReconnectionOptions
  readonly #target: string | undefined
  /** Consecutive failures since the last new item or the last stream that ended well. */
  #failureCount = 0

  /**
   * @param target name of the peer in the message of `CONNECTION_LOST`
   * @throws `INVALID_OPTION`
   */
  constructor(options?: ReconnectionOptions, target?: string) {
    this.#options = resolveReconnectionOptions(options)
    this.#target = target
  }

  /**
   * The items of a source, across its connections.
   *
   * Exact for items with ids (`<executionId>.<seq>`): duplicates are dropped. Where the continuation is not exact, `onReset` is
   * called before the item: a `snapshot`, a `task_retry`, and the first item of a source that restarted. An `error` event of
   * dagstream is yielded, then the stream is resumed; a provider's retryable `error` is not yielded.
   *
   * Leaving the loop, at any point, ends the run at once: the source is closed and no timer remains.
   *
   * @param open called for each connection, with the id of the last item that had one
   * @param lastEventId resume position of the first connection
   * @throws DagstreamError `CONNECTION_LOST` (`attempts`, `status` of an HTTP failure, `cause`) after `maxRetries`, or when the
   * server asks to wait for more than 5 minutes; a failure that is not retryable; the reason of `signal`; what a callback
   * throws
   */
  run<T>(open: OpenSource<T>, lastEventId?: string): AsyncGenerator<T, void, undefined> {
    const leaving: Leaving = { isLeft: false, leave: undefined }
    const generator = this.#run(open, leaving, lastEventId)
    // A generator's own `return` queues behind a pending `next`, which may never settle.
    const finish = generator.return.bind(generator)
    generator.return = value => {
      leaving.isLeft = true
      leaving.leave?.()
      return finish(value)
    }
    return generator
  }

  async *#run<T>(open: OpenSource<T>, leaving: Leaving, lastEventId?: string): AsyncGenerator<T, void, undefined> {
    const { clock, signal } = this.#options
    const scope = new AbortScope(clock, signal)
    leaving.leave = () => scope.end(new DOMException('The reader has left', 'AbortError'))
    const position: Position = { lastEventId, hasContent: false, progress: new Progress(lastEventId) }
    try {
      for (;;) {
        if (scope.signal.aborted) throw scope.signal.reason
        const connection = new Connection(open, position.lastEventId, scope)
        let failure: Failure | undefined
        try {
          failure = yield* this.#read(connection, position, scope)
        } finally {
          connection.close()
        }
        if (failure === undefined) return
        await this.#pause(failure.error, scope)
      }
    } catch (error) {
      if (!leaving.isLeft) throw error
    } finally {
      // Also aborts a source that is still opening.
      leaving.leave()
    }
  }

  /** Yields the items of one connection. @returns its failure; `undefined` if it ended well */
  async *#read<T>(
    connection: Connection<T>,
    position: Position,
    scope: AbortScope,
  ): AsyncGenerator<T, Failure | undefined, undefined> {
    let isRestart = position.hasContent && position.lastEventId === undefined
    let kind: ItemKind = 'unknown'
    for (;;) {
      const step = await connection.next()
      if (step === 'end') {
        if (kind === 'open') return { error: new StreamInterruptedError('The stream ended before its last event') }
        this.#failureCount = 0
        return undefined
      }
      if ('error' in step) return step
      const { item } = step
      kind = classifyItem(item)
      if (kind === 'retry') return { error: readField(item, 'data') }
      const type = readField(item, 'type')
      const id = findItemId(item)
      // Reset before the yield: the reader may leave there.
      if (kind === 'final' || (kind !== 'fault' && position.progress.isNew(id))) this.#failureCount = 0
      // A snapshot may lie behind the last seen event: a power cut can truncate the log.
      if (type === 'snapshot' || !isRepeated(id, position.lastEventId)) {
        await this.#tellReset(describeReset(item, type, isRestart), scope)
        isRestart = false
        if (kind !== 'fault') position.hasContent = true
        position.lastEventId = id ?? position.lastEventId
        yield item
      }
      if (kind === 'final') return undefined
      if (kind === 'fault') return { error: describeFault(item) }
    }
  }

  async #tellReset(reset: Reset | undefined, scope: AbortScope): Promise<void> {
    const { onReset } = this.#options
    if (onReset !== undefined && reset !== undefined) await scope.for(call(() => onReset(reset)))
  }

  /** Waits until the next connection is due. @throws the failure, if it is not retried */
  async #pause(error: unknown, scope: AbortScope): Promise<void> {
    if (!isRetryable(error)) throw error
    const { maxRetries, onReconnect, random } = this.#options
    this.#failureCount += 1
    const attempt = this.#failureCount
    const retryAfterMs = findRetryAfterMs(error) ?? 0
    if (retryAfterMs > MAX_RETRY_AFTER_MS) {
      throw this.#giveUp(
        `the server asks to wait ${retryAfterMs} ms, and at most ${MAX_RETRY_AFTER_MS} are waited`,
        error,
      )
    }
    if (attempt > maxRetries) throw this.#giveUp('no more retries are left', error)
    const delayMs = Math.max(backoff(this.#options, attempt, random()), retryAfterMs)
    if (onReconnect !== undefined) await scope.for(call(() => onReconnect({ attempt, delayMs, error })))
    await scope.sleep(delayMs)
  }

  #giveUp(why: string, error: unknown): ConnectionLostError {
    const attempts = this.#failureCount
    this.#failureCount = 0
    const times = attempts === 1 ? 'once' : `${attempts} times`
    const place = this.#target === undefined ? '' : `, at ${this.#target}`
    const message = `The connection failed ${times}, and ${why}${place}: ${describeCause(error)}`
    return new ConnectionLostError(message, attempts, error)
  }
}

/** Handle that ends a run from outside. */
interface Leaving {
  isLeft: boolean
  leave: (() => void) | undefined
}

/** The position of a run in its stream. */
interface Position {
  lastEventId: string | undefined
  /** Whether an item was yielded that a restart would repeat. */
  hasContent: boolean
  readonly progress: Progress
}

/** An `error` event as a failure, with the server's text and code. Only damage is final: any other execution may be resumed. */
function describeFault(item: unknown): Error {
  const data = readField(item, 'data')
  if (readField(data, 'code') === 'RECORD_UNUSABLE') {
    return new DagstreamError('RECORD_UNUSABLE', String(readField(data, 'error')), { cause: data })
  }
  return new StreamInterruptedError('The stream ended with an `error` event', { cause: data })
}

/** Reason why an item does not exactly continue the previous one; `undefined` if it does. */
function describeReset(item: unknown, type: unknown, isRestart: boolean): Reset | undefined {
  if (type === 'snapshot') return { reason: 'snapshot' }
  if (isRestart) return { reason: 'restart' }
  if (type !== 'task_retry') return undefined
  const taskId = readField(readField(item, 'data'), 'taskId')
  return { reason: 'retry', ...(typeof taskId === 'string' && { taskId }) }
}

/** Turns both a synchronous and an asynchronous failure of a callback into a rejection. */
async function call(callback: () => void | Promise<void>): Promise<void> {
  await callback()
}
