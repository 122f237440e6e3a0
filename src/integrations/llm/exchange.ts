import { afterTurn, type Clock, systemClock } from '../../clock.ts'
import { onAbort } from '../../abort-signals.ts'
import { IdleTimer } from '../../sse/idle-timer.ts'
import { describeNetworkFailure } from './network-failure.ts'
import { createAbortError, failure, type ProviderError } from './stream-error.ts'

/** The part of `fetch` that is used. Redirects must not be followed: the key is for one host. */
export type FetchFunction = (
  url: string,
  init: {
    readonly method: 'POST'
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
    readonly redirect: 'manual'
    readonly signal: AbortSignal
  },
) => Promise<FetchedResponse>

/** The part of a response that is used. */
export interface FetchedResponse {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly body: ReadableStream<Uint8Array> | null
}

/** Options of an exchange. Times are ms, 0 for no bound. */
export interface ExchangeOptions {
  readonly fetch: FetchFunction
  readonly clock: Clock
  readonly host: string
  readonly idleTimeoutMs: number
  readonly firstTokenTimeoutMs: number
  readonly signal: AbortSignal | undefined
}

/** Maximum wait for the end of a body after its last message, ms. */
const END_MS = 1000

/** Maximum wait for the end of a complete answer if silence is unbounded, ms: otherwise it might never be reported. */
const FINISH_MS = 120_000

/**
 * Maximum time that a response is read after the caller's abort, ms: providers report usage in their last message, which may be
 * in flight. Short enough for the delay to be imperceptible.
 */
const LAST_WORDS_MS = 100

/**
 * One request with its response. It ends both on the caller's signal, on silence, on a missing token, or when the consumer
 * leaves.
 *
 * Silence counts only during a read: a slow consumer is not the provider's fault.
 */
export class Exchange {
  readonly #options: ExchangeOptions
  readonly #controller = new AbortController()
  #silence: IdleTimer | undefined
  #output: IdleTimer | undefined
  readonly #stopListening: (() => void) | undefined
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  #isAtEnd = false
  #isAborted = false
  #isClosed = false
  #stopLastWords: (() => void) | undefined
  /** Reason of a local end. */
  #ending: ProviderError | undefined
  #refuse: ((error: unknown) => void) | undefined

  constructor(options: ExchangeOptions) {
    this.#options = options
    const { idleTimeoutMs, firstTokenTimeoutMs, signal } = options
    this.#silence = this.#createTimer(idleTimeoutMs, 'No data arrived from')
    this.#output = this.#createTimer(firstTokenTimeoutMs, 'No token arrived from')
    if (signal !== undefined) this.#stopListening = onAbort(signal, () => this.#windDown())
  }

  /** Whether the caller has aborted. Of the data that still arrives only usage counts. */
  get isAborted(): boolean {
    return this.#isAborted
  }

  /** Sends the request. @returns the response once its headers have arrived @throws ProviderError */
  async open(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<FetchedResponse> {
    if (this.#ending !== undefined) throw this.#ending
    this.#output?.arm()
    // Silence counts before the headers too.
    this.#silence?.arm()
    const { fetch, host } = this.#options
    const { signal } = this.#controller
    try {
      const response = await new Promise<FetchedResponse>((resolve, reject) => {
        // Not every `fetch` observes its signal.
        this.#refuse = reject
        const sent = (async () => fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal }))()
        sent.then(late => {
          if (this.#ending === undefined) resolve(late)
          // Its failure no longer matters.
          else late.body?.cancel().catch(() => {})
        }, reject)
      })
      this.#reader = response.body?.getReader()
      this.#isAtEnd = this.#reader === undefined
      return response
    } catch (error) {
      throw this.#ending ?? describeNetworkFailure(error, host, false)
    } finally {
      this.#silence?.disarm()
    }
  }

  /** The next chunk of the body; `undefined` at its end. @throws ProviderError */
  async read(): Promise<Uint8Array | undefined> {
    if (this.#ending !== undefined) throw this.#ending
    if (this.#reader === undefined || this.#isAtEnd) return undefined
    this.#silence?.arm()
    try {
      const { done, value } = await this.#reader.read()
      // A local end cancels the body, which looks like its end.
      if (this.#ending !== undefined) throw this.#ending
      this.#isAtEnd = done
      return value
    } catch (error) {
      this.#isAtEnd = true
      throw this.#ending ?? describeNetworkFailure(error, this.#options.host, true)
    } finally {
      this.#silence?.disarm()
    }
  }

  /** Restarts the token timeout on activity of the model. */
  noteOutput(): void {
    this.#output?.arm()
  }

  /**
   * Bounds the wait for the rest of the response, which matters little: it may take the idle timeout, which only text extends,
   * not bytes or comments.
   * @param maxMs upper bound, ms
   */
  hurry(maxMs: number = Infinity): void {
    this.#silence?.stop()
    this.#silence = undefined
    this.#output?.stop()
    const ms = Math.min(this.#options.idleTimeoutMs || FINISH_MS, maxMs)
    this.#output = this.#createTimer(ms, 'No end of the answer arrived from')
    this.#output?.arm()
  }

  /** Pauses the token timeout while the consumer is busy. */
  pause(): void {
    this.#output?.disarm()
  }

  /**
   * Releases timers and listeners and discards the rest of the response, which closes its connection. Idempotent; a later abort
   * has no effect.
   * @param isComplete only the end of the body is missing: it is awaited briefly in the background, so that the connection can
   * be reused
   */
  close(isComplete = false): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#silence?.stop()
    this.#output?.stop()
    this.#silence = this.#output = undefined
    this.#stopListening?.()
    this.#stopLastWords?.()
    if (this.#isAtEnd) return
    const mayBeKept = isComplete && this.#ending === undefined && !this.#isAborted
    if (mayBeKept && this.#reader !== undefined) this.#awaitEnd(this.#reader)
    else this.#abort()
  }

  #createTimer(ms: number, what: string): IdleTimer | undefined {
    const { clock, host } = this.#options
    if (ms === 0) return undefined
    return new IdleTimer(clock, ms, () => this.#end(failure('CONNECTION_TIMEOUT', `${what} \`${host}\` for ${ms} ms`)))
  }

  #awaitEnd(reader: ReadableStreamDefaultReader<Uint8Array>): void {
    const stopTimer = this.#options.clock.after(END_MS, () => this.#abort())
    reader.read().then(
      ({ done }) => {
        stopTimer()
        if (!done) this.#abort()
      },
      // The answer is complete: the fate of the connection no longer matters.
      () => stopTimer(),
    )
  }

  #windDown(): void {
    this.#isAborted = true
    // Nothing has been sent.
    if (this.#refuse === undefined) this.#end(createAbortError())
    else this.#awaitLastWords()
  }

  #awaitLastWords(): void {
    // Uses the system clock, since it waits for a network.
    this.#stopLastWords = systemClock.after(LAST_WORDS_MS, () => {
      // Deferred by a turn, in which sockets are read: data that arrived while the process was busy still counts.
      afterTurn(() => this.#end(createAbortError()))
    })
  }

  #end(reason: ProviderError): void {
    if (this.#ending !== undefined) return
    this.#ending = reason
    this.#abort()
    this.#refuse?.(reason)
  }

  #abort(): void {
    this.#isAtEnd = true
    this.#controller.abort(new DOMException('The response is no longer needed', 'AbortError'))
    // A body created in this process does not observe the signal; its failure no longer matters.
    this.#reader?.cancel().catch(() => {})
  }
}
