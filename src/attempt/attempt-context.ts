import type { InfoLevel } from '../events/events.ts'
import type { TokenUsage } from '../events/token-usage.ts'
import type { PlanRoom } from '../tools/plan-room.ts'
import type { QuestionOptions, ToolContext } from '../tools/tool.ts'
import type { AttemptCommand } from './runner.ts'

/** The operations of a tool's context on its attempt. */
export interface AttemptActions {
  readonly key: AttemptCommand
  readonly signal: AbortSignal
  emitToken(text: string): void
  reportProgress(progress: Parameters<ToolContext['reportProgress']>[0]): void
  reportUsage(delta: Partial<TokenUsage>): void
  log(level: InfoLevel, message: string): void
  ask(question: QuestionOptions): Promise<unknown>
  /** Of a planner. */
  readonly room: PlanRoom | undefined
}

/**
 * The context that a tool receives. Its functions are created on first read and do not use `this`, so that a tool can
 * destructure it. Most tools read none: the cost of an attempt matters more than the cost of a read.
 */
export class AttemptContext implements ToolContext {
  readonly executionId: string
  readonly taskId: string
  readonly attempt: number
  readonly #attempt: AttemptActions

  constructor(attempt: AttemptActions, { executionId, taskId, attempt: number }: AttemptCommand) {
    this.executionId = executionId
    this.taskId = taskId
    this.attempt = number
    this.#attempt = attempt
  }

  get signal(): AbortSignal {
    return this.#attempt.signal
  }

  get idempotencyKey(): string {
    return this.#attempt.key.idempotencyKey
  }

  get traceparent(): string | undefined {
    return this.#attempt.key.traceparent
  }

  get emitToken(): (text: string) => void {
    return text => this.#guard(() => this.#attempt.emitToken(text))
  }

  get reportProgress(): ToolContext['reportProgress'] {
    return progress => this.#guard(() => this.#attempt.reportProgress(progress))
  }

  get reportUsage(): (delta: Partial<TokenUsage>) => void {
    return delta => this.#guard(() => this.#attempt.reportUsage(delta))
  }

  get log(): (level: InfoLevel, message: string) => void {
    return (level, message) => this.#guard(() => this.#attempt.log(level, message))
  }

  get ask(): ToolContext['ask'] {
    return <Answer>(question: QuestionOptions) => this.#attempt.ask(question) as Promise<Answer>
  }

  get plan(): PlanRoom | undefined {
    const { room, signal } = this.#attempt
    return (
      room && {
        tools: room.tools,
        get accepted() {
          return room.accepted
        },
        add: definition => {
          signal.throwIfAborted()
          return room.add(definition)
        },
        reject: (line, issues) => {
          if (!signal.aborted) room.reject(line, issues)
        },
      }
    )
  }

  /**
   * A value whose getter or `toString` throws drops that emission; it fails neither the task nor, in a timer, the process.
   */
  #guard(emit: () => void): void {
    try {
      emit()
    } catch {
      this.#attempt.log('warning', 'An emission was dropped: it could not be read')
    }
  }
}
