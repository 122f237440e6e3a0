import { DagstreamError } from '../errors.ts'

/** Rejects `ask`. Another attempt would get the same: it is never retried. */
export class InputError extends DagstreamError {
  readonly retryable = false
}
