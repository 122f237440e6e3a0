import type { Clock } from '../clock.ts'
import type { ExecutionApi, RemoteAnswer, Submission } from './execution-api.ts'
import { StreamReconnectionManager } from './reconnection.ts'
import type { ReconnectionOptions } from './reconnection-options.ts'
import { PendingSubmission } from './pending-submission.ts'

/** State that all executions of one client share: the server and the reconnection policy. */
export class Session {
  readonly api: ExecutionApi
  readonly clock: Clock
  readonly #reconnection: ReconnectionOptions
  readonly #origin: string

  /** @param origin of the server, for messages: the rest of its URL is never shown */
  constructor(api: ExecutionApi, clock: Clock, reconnection: ReconnectionOptions, origin: string) {
    this.api = api
    this.clock = clock
    this.#reconnection = reconnection
    this.#origin = origin
  }

  /** Each operation counts its own retries. @param isShown whether the items reach a consumer, which must clear them on reset */
  createManager(signal: AbortSignal | undefined, isShown: boolean): StreamReconnectionManager {
    const { onReset, ...rest } = this.#reconnection
    const options = { ...rest, ...(isShown && onReset && { onReset }), ...(signal && { signal }) }
    return new StreamReconnectionManager(options, this.#origin)
  }

  /** Repeats a request until it is answered. @throws as `StreamReconnectionManager.run` */
  async repeat<T>(request: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const answers: T[] = []
    for await (const { answer } of this.createManager(signal, false).run(async () =>
      once({ answer: await request() }),
    )) {
      answers.push(answer)
    }
    return answers[0] as T
  }

  /** Submits a workflow exactly once across retries: the server recognizes a repetition by its idempotency key. */
  start(submission: Submission, accept: 'stream' | 'result', signal?: AbortSignal): PendingSubmission {
    const key = createKey()
    const submit = (untilAnswered: AbortSignal) => this.api.start(submission, { key, accept, signal, untilAnswered })
    return new PendingSubmission(submit, this.createManager(signal, false), this.clock)
  }

  /** Answers or declines a question. @throws `HTTP_ERROR` with the status and the problem of the server */
  answer(executionId: string, inputId: string, answer: RemoteAnswer): Promise<void> {
    return this.repeat(() => this.api.answer(executionId, inputId, answer))
  }

  /** Cancels an execution, once across retries. @param signal ends the waiting */
  cancel(executionId: string, signal?: AbortSignal): Promise<void> {
    const key = createKey()
    return this.repeat(() => this.api.cancel(executionId, key, signal), signal)
  }
}

async function* once<T>(item: T): AsyncGenerator<T, void, undefined> {
  yield item
}

/** 128 random bits. `crypto.randomUUID` is missing on pages served without TLS. */
function createKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
