import type { InfoLevel } from '../events/events.ts'
import type { TokenUsage } from '../events/token-usage.ts'
import type { ToolContext } from '../tools/tool.ts'

/** What of an attempt its context leads to. */
export interface AttemptActions {
  readonly executionId: string
  readonly task: { readonly id: string }
  readonly number: number
  readonly signal: AbortSignal
  emitToken(text: string): void
  reportProgress(progress: Parameters<ToolContext['reportProgress']>[0]): void
  reportUsage(delta: Partial<TokenUsage>): void
  log(level: InfoLevel, message: string): void
}

/**
 * What a tool sees of its attempt. Its functions are made when they are read — they need no `this`, so that a tool may take
 * them apart — and most tools read none: what an attempt costs matters more than what a read costs.
 */
export class AttemptContext implements ToolContext {
  readonly executionId: string
  readonly taskId: string
  readonly attempt: number
  readonly #attempt: AttemptActions

  constructor(attempt: AttemptActions) {
    this.executionId = attempt.executionId
    this.taskId = attempt.task.id
    this.attempt = attempt.number
    this.#attempt = attempt
  }

  get signal(): AbortSignal {
    return this.#attempt.signal
  }

  get idempotencyKey(): string {
    return `${this.executionId}.${this.taskId}`
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

  /** A value whose getter or `toString` throws costs a tool that emission, not its task, nor the process from a timer of it. */
  #guard(emit: () => void): void {
    try {
      emit()
    } catch {
      this.#attempt.log('warning', 'An emission was left out: it could not be read')
    }
  }
}
