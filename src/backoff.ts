/** How delays between retries grow. */
export interface BackoffPolicy {
  /** First delay, ms. */
  readonly initialDelayMs: number
  /** Maximum delay, ms. */
  readonly maxDelayMs: number
  /** Factor between consecutive delays, ≥ 1. @defaultValue 2 */
  readonly factor?: number
  /** Maximum random variation of each delay, as a share of it, 0–1. @defaultValue 0 */
  readonly jitter?: number
}

/**
 * The delay before a retry, whole ms: exponential with jitter, never above `maxDelayMs`.
 * @param failureCount consecutive failures so far, from 1
 * @param random 0–1; any other value means no jitter
 */
export function backoff(
  { initialDelayMs, maxDelayMs, factor = 2, jitter = 0 }: BackoffPolicy,
  failureCount: number,
  random = 0.5,
): number {
  // The power may overflow to Infinity, and `0 * Infinity` is NaN.
  const grown = initialDelayMs === 0 ? 0 : Math.min(maxDelayMs, initialDelayMs * factor ** (failureCount - 1))
  const spread = random >= 0 && random <= 1 ? 2 * random - 1 : 0
  return Math.round(Math.min(maxDelayMs, Math.max(0, grown * (1 + jitter * spread))))
}

/** Maximum delay between two rounds, ms: a day. */
const MAX_ROUND_DELAY_MS = 24 * 60 * 60 * 1000

/**
 * The delay between two rounds of a task that repeats, ms.
 * @param roundCount number of rounds before the delay, from 1
 */
export function delayAfterRounds(
  { everyMs, factor }: { readonly everyMs: number; readonly factor: number },
  roundCount: number,
): number {
  // Bound the factor before the multiplication: 0 times infinity is NaN.
  const growth = Math.min(factor ** (roundCount - 1), Number.MAX_VALUE)
  return Math.min(everyMs * growth, MAX_ROUND_DELAY_MS)
}
