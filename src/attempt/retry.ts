import { backoff } from '../backoff.ts'
import type { RetryPolicy } from '../workflow/document.ts'

/** Maximum delay that a tool may request, ms; a longer one fails the task. */
export const MAX_RETRY_AFTER_MS: number = 5 * 60 * 1000

const DEFAULTS: Required<RetryPolicy> = {
  maxAttempts: 1,
  initialDelayMs: 1000,
  factor: 2,
  maxDelayMs: 10_000,
  jitter: 0.1,
}

/** A task's own policy comes first, then its tool's, then the defaults, field by field. */
export function mergeRetryPolicies(
  task: RetryPolicy | undefined,
  tool: RetryPolicy | undefined,
): Required<RetryPolicy> {
  return { ...DEFAULTS, ...tool, ...task }
}

/**
 * The delay after a failed attempt, ms: exponential with jitter, and at least the delay that the tool requested.
 * @param attempt the one that failed, from 1
 * @param random 0–1
 */
export function computeRetryDelay(
  policy: Required<RetryPolicy>,
  attempt: number,
  retryAfterMs: number | undefined,
  random: number,
): number {
  return Math.max(backoff(policy, attempt, random), Math.round(retryAfterMs ?? 0))
}
