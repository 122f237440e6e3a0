import type { Clock } from '../clock.ts'
import type { ExecutionApi } from './execution-api.ts'
import { StreamReconnectionManager } from './reconnection.ts'
import type { ReconnectionOptions } from './reconnection-options.ts'
import { Starting } from './starting.ts'

/** What all executions of one client share: the server, and how lost connections are tried again. */
export class Session {
  readonly api: ExecutionApi
  readonly clock: Clock
  readonly #reconnection: ReconnectionOptions
  readonly #origin: string

  /** @param origin of the server, for messages: no more of its URL is told */
  constructor(api: ExecutionApi, clock: Clock, reconnection: ReconnectionOptions, origin: string) {
    this.api = api
    this.clock = clock
    this.#reconnection = reconnection
    this.#origin = origin
  }

  /** Each piece of work counts its own retries. @param isShown whether somebody sees the items, who would clear them */
  createManager(signal: AbortSignal | undefined, isShown: boolean): StreamReconnectionManager {
    const { onReset, ...rest } = this.#reconnection
    const options = { ...rest, ...(isShown && onReset && { onReset }), ...(signal && { signal }) }
    return new StreamReconnectionManager(options, this.#origin)
  }

  /** Makes a request again until it is answered. @throws as `StreamReconnectionManager.run` */
  async repeat<T>(request: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const answers: T[] = []
    for await (const { answer } of this.createManager(signal, false).run(async () =>
      once({ answer: await request() }),
    )) {
      answers.push(answer)
    }
    return answers[0] as T
  }

  /** Hands a workflow in, once, however often that has to be tried: the server knows a repetition by its key. */
  start(body: string, accept: 'stream' | 'result', signal?: AbortSignal): Starting {
    const key = createKey()
    const handIn = (untilAnswered: AbortSignal) => this.api.start(body, { key, accept, signal, untilAnswered })
    return new Starting(handIn, this.createManager(signal, false), this.clock)
  }

  /** Cancels an execution; harmless to repeat. @param signal ends the waiting */
  cancel(executionId: string, signal?: AbortSignal): Promise<void> {
    const key = createKey()
    return this.repeat(() => this.api.cancel(executionId, key, signal), signal)
  }
}

async function* once<T>(item: T): AsyncGenerator<T, void, undefined> {
  yield item
}

/** 128 random bits. `crypto.randomUUID` is missing on pages that came without TLS. */
function createKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
