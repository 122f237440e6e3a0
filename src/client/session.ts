import type { PatchedPlan, PlanPatch } from '../engine/growth/patch-shape.ts'
import type { Clock } from '../clock.ts'
import type { ClientEvent, ExecutionApi, RemoteAnswer, Submission } from './execution-api.ts'
import type { PlanApi } from './plan-api.ts'
import type { PlanUpload } from './plan-upload.ts'
import type { Reply } from './reply.ts'
import { StreamReconnectionManager } from './reconnection.ts'
import type { ReconnectionOptions } from './reconnection-options.ts'
import { PendingSubmission } from './pending-submission.ts'

/** State that all executions of one client share: the server and the reconnection policy. */
export class Session {
  readonly api: ExecutionApi
  readonly plans: PlanApi
  readonly clock: Clock
  readonly #reconnection: ReconnectionOptions
  readonly #origin: string

  /** @param origin of the server, for messages: the rest of its URL is never shown */
  constructor(
    { api, plans }: { readonly api: ExecutionApi; readonly plans: PlanApi },
    clock: Clock,
    reconnection: ReconnectionOptions,
    origin: string,
  ) {
    this.api = api
    this.plans = plans
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

  /** Sends a plan exactly once, across lost connections: the server says how much it has. */
  startPlan(upload: PlanUpload, signal?: AbortSignal): StartedPlan {
    const key = createKey()
    const submit = (untilAnswered: AbortSignal) => this.plans.start(upload, { key, signal, untilAnswered })
    return {
      starting: new PendingSubmission(submit, this.createManager(signal, false), this.clock),
      reopen: (executionId, lastEventId, reader) =>
        this.plans.reopen(upload, executionId, { key, lastEventId, signal: reader }),
    }
  }

  /** Answers or declines a question. @throws `HTTP_ERROR` with the status and the problem of the server */
  answer(executionId: string, inputId: string, answer: RemoteAnswer): Promise<void> {
    return this.repeat(() => this.api.answer(executionId, inputId, answer))
  }

  /** Changes the document of an execution. @throws `HTTP_ERROR` with the status and the problem of the server */
  patch(executionId: string, patch: PlanPatch): Promise<PatchedPlan> {
    return this.repeat(() => this.api.patch(executionId, patch))
  }

  /** Cancels an execution, once across retries. @param signal ends the waiting */
  cancel(executionId: string, signal?: AbortSignal): Promise<void> {
    const key = createKey()
    return this.repeat(() => this.api.cancel(executionId, key, signal), signal)
  }
}

/** A plan that is being sent. */
export interface StartedPlan {
  readonly starting: PendingSubmission
  /** Opens the events of its execution again, and continues to send it. */
  readonly reopen: (executionId: string, lastEventId?: string, signal?: AbortSignal) => Promise<Reply | undefined>
}

/** Further parts of an execution. */
export interface RemoteExecutionParts {
  readonly signal?: AbortSignal
  readonly after?: string
  /** Of an execution that this client submitted. */
  readonly starting?: PendingSubmission
  /** Opens its events again. @defaultValue by `GET` */
  readonly reopen?: StartedPlan['reopen']
  /** Called with each event that a reader gets. */
  readonly onEvent?: (event: ClientEvent) => void
}

async function* once<T>(item: T): AsyncGenerator<T, void, undefined> {
  yield item
}

/** 128 random bits. `crypto.randomUUID` is missing on pages served without TLS. */
function createKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
