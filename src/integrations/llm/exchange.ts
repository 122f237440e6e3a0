import { afterTurn, type Clock, systemClock } from '../../clock.ts'
import { onAbort } from '../../abort-signals.ts'
import { IdleTimer } from '../../sse/idle-timer.ts'
import { describeNetworkFailure } from './network-failure.ts'
import { createAbortError, failure, type ProviderError } from './stream-error.ts'

/** What of `fetch` is used. Redirects must not be followed: the key is for one host. */
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

/** What of a response is used. */
export interface FetchedResponse {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly body: ReadableStream<Uint8Array> | null
}

/** What an exchange needs to know. Times are ms, 0 for no bound. */
export interface ExchangeOptions {
  readonly fetch: FetchFunction
  readonly clock: Clock
  readonly host: string
  readonly idleTimeoutMs: number
  readonly firstTokenTimeoutMs: number
  readonly signal: AbortSignal | undefined
}

/** How long the end of a body may take after its last message, ms. */
const END_MS = 1000

/** How long the end of an answer may take that is complete, where silence has no bound, ms: it would never be told. */
const FINISH_MS = 120_000

/**
 * After the caller's abort the response is read on until it ends, for at most so long, ms: providers tell usage with their last
 * message, which may be on its way. Short enough that nobody notices that the task ends later.
 */
const LAST_WORDS_MS = 100

/**
 * One request and its response, and the one place from which both are ended: by the caller's signal, by silence, by a model
 * that says nothing, or because they are not wanted any more.
 *
 * Silence counts only while it is waited for: a consumer that takes its time is not the provider's fault.
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
  /** Why it was ended from this side. */
  #ending: ProviderError | undefined
  #refuse: ((error: unknown) => void) | undefined

  constructor(options: ExchangeOptions) {
    this.#options = options
    const { idleTimeoutMs, firstTokenTimeoutMs, signal } = options
    this.#silence = this.#createTimer(idleTimeoutMs, 'Nothing came from')
    this.#output = this.#createTimer(firstTokenTimeoutMs, 'No token came from')
    if (signal !== undefined) this.#stopListening = onAbort(signal, () => this.#windDown())
  }

  /** The caller has ended it. What can be read still had arrived by then, or nearly: nothing of it counts but its usage. */
  get isAborted(): boolean {
    return this.#isAborted
  }

  /** Sends the request. @returns the response once its headers are there @throws ProviderError */
  async open(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<FetchedResponse> {
    if (this.#ending !== undefined) throw this.#ending
    this.#output?.arm()
    // A server that accepts and says nothing is as silent as one that stops in the middle.
    this.#silence?.arm()
    const { fetch, host } = this.#options
    const { signal } = this.#controller
    try {
      const response = await new Promise<FetchedResponse>((resolve, reject) => {
        // Not every `fetch` heeds its signal.
        this.#refuse = reject
        const sent = (async () => fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal }))()
        sent.then(late => {
          if (this.#ending === undefined) resolve(late)
          // Its failure is nobody's concern any more.
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
      // Ending it cancels the body, which looks like its end.
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

  /** The model works: its time begins anew. */
  noteOutput(): void {
    this.#output?.arm()
  }

  /**
   * What is still to come is of little worth: it has as long as silence may last, and neither bytes nor comments extend that,
   * only text does.
   * @param maxMs and no longer than this
   */
  hurry(maxMs: number = Infinity): void {
    this.#silence?.stop()
    this.#silence = undefined
    this.#output?.stop()
    const ms = Math.min(this.#options.idleTimeoutMs || FINISH_MS, maxMs)
    this.#output = this.#createTimer(ms, 'No end came from')
    this.#output?.arm()
  }

  /** The consumer has the word: the model's time does not run. */
  pause(): void {
    this.#output?.disarm()
  }

  /**
   * Leaves nothing behind. What is left of the response is given up, which closes its connection. Harmless to repeat; an
   * abort changes nothing any more.
   * @param isComplete nothing but the end of the body is missing: it is waited for in the background, shortly, so that the
   * connection can be used again
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
      // The answer is there: what happens to the connection now is nobody's concern.
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
    // By the machine's clock: a network is waited for.
    this.#stopLastWords = systemClock.after(LAST_WORDS_MS, () => {
      // Sockets are read between timers and this: what had arrived when a busy process came to this timer counts.
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
    this.#controller.abort(new DOMException('The response is not wanted any more', 'AbortError'))
    // A body that was made in this process does not know the signal; its failure is nobody's concern any more.
    this.#reader?.cancel().catch(() => {})
  }
}
