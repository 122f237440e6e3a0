import type { Clock } from '../clock.ts'
import type { DagstreamError } from '../errors.ts'
import { toDoubles } from '../json/replace-numbers.ts'
import { findQuestionFault } from '../tools/question.ts'
import type { QuestionOptions } from '../tools/tool.ts'
import { InputError } from './input-error.ts'
import type { Answer, Question } from './runner.ts'

interface Waiting {
  readonly number: number
  resolve(response: unknown): void
  reject(error: unknown): void
}

/** Questions that one attempt may ask: a tool that asks in a loop must not grow the log without end. */
const MAX_QUESTIONS = 1000

/** The attempt that asks. */
export interface AskingAttempt {
  readonly clock: Clock
  question(question: Question): void
  /** Stops the timeout of the attempt. @returns its remaining time, ms; `NaN` without a timeout */
  stopTimeout(): number
  /** The rest of the timeout has passed. */
  expire(): void
}

/** The questions of one attempt: made with its first one. While one is open the time of the attempt stands still. */
export class OpenQuestions {
  readonly #attempt: AskingAttempt
  /** Few: an array takes less memory than a map. */
  #open: readonly Waiting[] = []
  #count = 0
  #openSince = 0
  #waitedMs = 0
  /** Remaining time of the timeout, ms. Runs out by one timer of its own, since no other attempt has the same rest. */
  #leftMs = Number.NaN
  #restEndsAt = 0
  #stopRest: (() => void) | undefined

  constructor(attempt: AskingAttempt) {
    this.#attempt = attempt
    this.#leftMs = attempt.stopTimeout()
  }

  /** How long questions were open, ms. */
  get waitedMs(): number {
    return this.#waitedMs + (this.#open.length > 0 ? this.#attempt.clock.now() - this.#openSince : 0)
  }

  ask(question: QuestionOptions): Promise<unknown> {
    const fault =
      this.#count === MAX_QUESTIONS
        ? `an attempt may ask at most ${MAX_QUESTIONS} questions`
        : findQuestionFault(question)
    if (fault !== undefined) {
      if (this.#open.length === 0) this.#resumeTimeout()
      return rejectLater(new InputError('INVALID_QUESTION', `Invalid question: ${fault}`))
    }
    if (this.#open.length === 0) this.#pauseTimeout()
    this.#count += 1
    const number = this.#count
    const { message, schema, expiresMs, default: fallback, secret } = question
    const answered = new Promise((resolve, reject) => {
      this.#open = [...this.#open, { number, resolve, reject }]
    })
    // A tool may ask and not wait.
    answered.catch(() => {})
    this.#attempt.question({
      number,
      message,
      ...(schema !== undefined && { schema }),
      ...(expiresMs !== undefined && { expiresMs }),
      ...(fallback !== undefined && { default: fallback }),
      ...(secret && { secret }),
    })
    return answered
  }

  answer(number: number, answer: Answer, keepsNumbers: boolean): void {
    const waiting = this.#open.find(each => each.number === number)
    if (waiting === undefined) return
    const { waitedMs } = this
    this.#open = this.#open.filter(each => each !== waiting)
    if (answer.status === 'answered') waiting.resolve(keepsNumbers ? answer.response : toDoubles(answer.response))
    else waiting.reject(new InputError(answer.code, answer.message))
    if (this.#open.length > 0) return
    this.#waitedMs = waitedMs
    this.#resumeTimeout()
  }

  /** The attempt is aborted or over. */
  close(reason: DagstreamError): void {
    this.#stopRest?.()
    this.#stopRest = undefined
    this.#leftMs = Number.NaN
    this.#waitedMs = this.waitedMs
    for (const waiting of this.#open) waiting.reject(reason)
    this.#open = []
  }

  #pauseTimeout(): void {
    const { clock } = this.#attempt
    this.#openSince = clock.now()
    if (this.#stopRest === undefined) return
    this.#stopRest()
    this.#stopRest = undefined
    this.#leftMs = Math.max(0, this.#restEndsAt - clock.now())
  }

  #resumeTimeout(): void {
    if (Number.isNaN(this.#leftMs) || this.#stopRest !== undefined) return
    const { clock } = this.#attempt
    this.#restEndsAt = clock.now() + this.#leftMs
    this.#stopRest = clock.after(this.#leftMs, () => {
      this.#stopRest = undefined
      this.#attempt.expire()
    })
  }
}

/** A tool that does not look at the promise must not end the process. */
export function rejectLater(reason: DagstreamError): Promise<never> {
  const rejected = (async (): Promise<never> => {
    throw reason
  })()
  rejected.catch(() => {})
  return rejected
}
