import type { TaskCode } from '../events/events.ts'
import type { JsonValue } from '../events/json-value.ts'

/** A failed attempt as data. */
export interface ToolFailure {
  readonly status: 'error'
  readonly code: TaskCode
  readonly message: string
  /** Whether another attempt could end differently. */
  readonly isRetryable: boolean
  /** How long the tool asked to be left alone, ms. */
  readonly retryAfterMs?: number
}

/** How an attempt ended. */
export type AttemptOutcome =
  | { readonly status: 'success'; readonly output: JsonValue }
  | ToolFailure
  | { readonly status: 'cancelled'; readonly message: string }
