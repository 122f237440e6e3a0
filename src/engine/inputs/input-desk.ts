import { DagstreamError } from '../../errors.ts'
import type { InputOutcome, InputQuestion } from '../../events/events.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import { findInput, type InputState, pickQuestion } from '../../events/inputs.ts'
import { JsonValue } from '../../events/json-value.ts'
import { describeError } from '../../log/describe-error.ts'
import type { TaskGraph } from '../../scheduler/task-graph.ts'
import type { ResolvedOptions } from '../options.ts'
import type { Recorder } from '../recorder.ts'
import { readResponse } from './answers.ts'
import { Expiries } from './expiries.ts'
import type { SecretAnswers } from './secret-answers.ts'

/** The parts that answers need. */
export interface DeskParts {
  readonly graph: TaskGraph
  readonly state: ExecutionState
  readonly recorder: Recorder
  readonly secrets: SecretAnswers
  readonly options: ResolvedOptions
  /** Whether a person may answer: without `onInput` and without expiry, a question that nobody can answer expires at once. */
  readonly isAttended: boolean
  /** Whether a task does not run any more. */
  readonly isStopped: (task: number) => boolean
}

/** How a question is closed. */
interface Resolution {
  readonly outcome: InputOutcome
  readonly response?: JsonValue | undefined
  readonly by?: string | undefined
}

/** A caller that waits until a question is closed in the log. */
interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: DagstreamError) => void
}

/** Where open questions are answered: the first answer counts. Calls `onInput`, and lets questions expire. */
export class InputDesk {
  readonly #parts: DeskParts
  readonly #expiries: Expiries
  /** Closed questions that are not in the log yet, with the callers that wait for them. */
  readonly #closing = new Map<string, Waiting | undefined>()
  /** Questions whose secret answer is being stored: until it is recorded, anything else may close them. */
  readonly #storing = new Set<string>()
  /** Why nothing is recorded any more: the log has failed. */
  #failure: DagstreamError | undefined

  constructor(parts: DeskParts) {
    this.#parts = parts
    this.#expiries = new Expiries(parts.options.clock)
  }

  /** Fixed when a question is first asked. */
  expiryOf(expiresMs: number | undefined): Pick<InputQuestion, 'expiresAt'> {
    if (expiresMs === undefined) return {}
    return { expiresAt: new Date(this.#parts.options.clock.wallTime() + expiresMs).toISOString() }
  }

  isUnattended(expiresAt: string | undefined): boolean {
    return expiresAt === undefined && !this.#parts.isAttended && this.#parts.options.onInput === undefined
  }

  /** A question is in the log, and open in this process. @param fallback its answer if it expires */
  open(question: InputQuestion, fallback: unknown): void {
    const { inputId, taskId, expiresAt, secret } = question
    const task = this.#parts.graph.indexOf(taskId)
    if (task === undefined || this.#closing.has(inputId)) return
    const expire = (): void => this.expire(inputId, task, secret ? undefined : fallback)
    if (this.isUnattended(expiresAt)) return expire()
    if (expiresAt !== undefined) this.#expiries.start(inputId, expiresAt, expire)
    this.#callOnInput(question)
  }

  /**
   * @param onRecorded called when the answer is recorded, in the same turn
   * @returns settles once the answer is in the log
   * @throws rejects with `INPUT_NOT_FOUND`, `INPUT_CLOSED`, `INVALID_RESPONSE`, or what the store throws
   */
  async answer(inputId: string, response: unknown, by?: string, onRecorded?: () => void): Promise<void> {
    const input = this.#findOpen(inputId)
    const value = readResponse(input, response)
    const { kind, secret } = input
    if (kind === 'approval' && value.peek() === false)
      return this.#close(input, { outcome: 'declined', response: value, by }, onRecorded)
    if (secret !== true) return this.#close(input, { outcome: 'answered', response: value, by }, onRecorded)
    await this.#store(inputId, value)
    return this.#close(input, { outcome: 'answered', by }, onRecorded)
  }

  /** As `answer`. */
  async decline(inputId: string, by?: string, onRecorded?: () => void): Promise<void> {
    return this.#close(this.#findOpen(inputId), { outcome: 'declined', by }, onRecorded)
  }

  expire(inputId: string, task: number, fallback?: unknown): void {
    if (this.#closing.has(inputId)) return
    const response = fallback === undefined ? undefined : JsonValue.from(fallback)
    this.#closing.set(inputId, undefined)
    this.#record({ inputId, taskId: this.#parts.graph.idOf(task) }, { outcome: 'expired', response })
  }

  /** Its task ends. */
  cancel(inputId: string, task: number): void {
    if (this.#closing.has(inputId)) return
    this.#closing.set(inputId, undefined)
    this.#record({ inputId, taskId: this.#parts.graph.idOf(task) }, { outcome: 'cancelled' })
  }

  /** That a question is closed is in the log. */
  closed(inputId: string): void {
    this.#expiries.stop(inputId)
    const waiting = this.#closing.get(inputId)
    this.#closing.delete(inputId)
    waiting?.resolve()
  }

  /** The execution has ended. @param failure why answers will never be in the log */
  end(failure?: DagstreamError): void {
    this.#failure = failure
    this.#expiries.close()
    for (const waiting of this.#closing.values()) {
      if (failure === undefined) waiting?.resolve()
      else waiting?.reject(failure)
    }
    this.#closing.clear()
  }

  #findOpen(inputId: string): InputState {
    const { state, options, graph, isStopped } = this.#parts
    const input = findInput(state.inputs, inputId)
    if (input === undefined) throw inputNotFound(inputId)
    const { outcome, expiresAt, taskId } = input
    const hasExpired = expiresAt !== undefined && Date.parse(expiresAt) <= options.clock.wallTime()
    const task = graph.indexOf(taskId)
    const isOver = task === undefined || isStopped(task)
    const isClosing = this.#closing.has(inputId) || this.#storing.has(inputId)
    if (outcome !== undefined || hasExpired || isOver || isClosing) throw inputClosed(inputId)
    return input
  }

  /** @throws rejects with what the store throws, or with the reason for which the answer can no longer be recorded */
  async #store(inputId: string, value: JsonValue): Promise<void> {
    const { state, secrets } = this.#parts
    this.#storing.add(inputId)
    try {
      await secrets.put(inputId, value)
    } finally {
      this.#storing.delete(inputId)
    }
    const isClosed = this.#closing.has(inputId) || findInput(state.inputs, inputId)?.outcome !== undefined
    if (this.#failure === undefined && !isClosed) return
    secrets.remove(inputId)
    throw this.#failure ?? inputClosed(inputId)
  }

  #close(input: InputState, resolution: Resolution, onRecorded?: () => void): Promise<void> {
    const waiting = this.#begin(input.inputId)
    this.#record(input, resolution)
    onRecorded?.()
    return waiting
  }

  #begin(inputId: string): Promise<void> {
    return new Promise((resolve, reject) => this.#closing.set(inputId, { resolve, reject }))
  }

  #record({ inputId, taskId }: Pick<InputState, 'inputId' | 'taskId'>, { outcome, response, by }: Resolution): void {
    const { recorder, graph } = this.#parts
    this.#expiries.stop(inputId)
    const more = { ...(response !== undefined && { response: response.read() }), ...(by !== undefined && { by }) }
    recorder.record(
      'input_resolved',
      recorder.stamp({ taskId, inputId, outcome, ...more }),
      graph.indexOf(taskId) ?? -1,
    )
  }

  #callOnInput(question: InputQuestion): void {
    const { options, recorder } = this.#parts
    const { onInput } = options
    if (onInput === undefined) return
    const { executionId } = recorder
    const { inputId } = question
    const copy = JsonValue.from(pickQuestion(question)).read() as InputQuestion
    void (async () => {
      const response = await onInput({ executionId, ...copy })
      if (response !== undefined) await this.answer(inputId, response)
    })().catch((error: unknown) => {
      // Another answer came first, or the task has ended.
      if (error instanceof DagstreamError && error.code === 'INPUT_CLOSED') return
      options.logger.warn('`onInput` gave no answer: the question stays open', {
        executionId,
        inputId,
        error: describeError(error),
      })
    })
  }
}

export function inputNotFound(inputId: string): DagstreamError {
  return new DagstreamError('INPUT_NOT_FOUND', `There is no question \`${inputId}\``)
}

export function inputClosed(inputId: string): DagstreamError {
  return new DagstreamError('INPUT_CLOSED', `The question \`${inputId}\` is not open any more`)
}
