import type { EventFor, TaskCode } from '../events/events.ts'
import type { JsonValue } from '../events/json-value.ts'

/** A failed attempt as data. */
export interface ToolFailure {
  readonly status: 'error'
  readonly code: TaskCode
  readonly message: string
  /** Whether another attempt could end differently. */
  readonly isRetryable: boolean
  /** The delay that the tool requested, ms. */
  readonly retryAfterMs?: number
}

/** A failure that no other attempt could change. */
export function createFailure(code: TaskCode, message: string): ToolFailure {
  return { status: 'error', code, message, isRetryable: false }
}

/** The outcome of an attempt. `cancelled`: it stopped because of an abort. */
export type AttemptOutcome =
  | { readonly status: 'success'; readonly output: JsonValue }
  | ToolFailure
  | { readonly status: 'cancelled' }

/** The metrics of the tokens that an attempt streamed. */
export type TokenMetrics = Pick<EventFor<'metrics'>['data'], 'ttftMs' | 'totalMs' | 'tokenCount' | 'tokensPerSec'>

/** The outcome of an attempt with its time and metrics. */
export type AttemptReport = AttemptOutcome & {
  /** From the tool call to the end, ms; 0 where the tool was not called. */
  readonly executionTimeMs: number
  /** Present when the tool streamed. */
  readonly metrics?: TokenMetrics | undefined
  /** The tool did not settle within the grace period after its abort: its side effects may still happen. */
  readonly abandoned?: boolean
}
