import type { InputQuestion } from '../../events/events.ts'
import type { PersonAnswer } from '../../engine/inputs/answer-stored.ts'
import type { McpAccess } from '../mcp-context.ts'

/** A report of progress: it counts up. */
export interface CallProgress {
  readonly progress: number
  readonly total: number
  readonly message: string
}

/** One call of a tool, without the SDK. */
export interface McpCall {
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
  /** Aborts when the caller cancels the call, and when its connection ends. */
  readonly signal: AbortSignal
  readonly access: McpAccess
  /** W3C trace context of the caller, from `params._meta`. */
  readonly traceparent: string | undefined
  /** Sends progress; absent if the caller wants none. Rejects if it cannot be sent. */
  readonly report: ((progress: CallProgress) => Promise<void>) | undefined
  /** Asks the person at the host; absent if the host cannot. */
  readonly elicit: Elicit | undefined
}

/**
 * Asks the person at the host.
 * @returns the answer; `undefined` if the person dismissed the question, or if it cannot be asked there. Rejects when the host
 * fails, and when `signal` aborts
 */
export type Elicit = (question: InputQuestion, signal: AbortSignal) => Promise<PersonAnswer | undefined>
