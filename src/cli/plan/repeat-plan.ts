import { computeRetryDelay, MAX_RETRY_AFTER_MS, mergeRetryPolicies } from '../../attempt/retry.ts'
import { systemClock } from '../../clock.ts'
import { type PlanRequest, planTasks } from '../../integrations/llm/plan/plan-tasks.ts'
import { ProviderError } from '../../integrations/llm/stream-error.ts'
import { sleep } from '../../sleep.ts'

/** As a task of `llm:plan`. */
const POLICY = mergeRetryPolicies(undefined, { maxAttempts: 3 })

/**
 * The tasks of a plan, as `planTasks`. A failure of the endpoint that may pass is waited for, and the model is asked for the tasks
 * that are missing.
 * @param onRepeat called before each wait
 * @throws as `planTasks`; the reason of the signal
 */
export async function* planPatiently(
  request: PlanRequest,
  onRepeat: (error: ProviderError, delayMs: number) => void,
): AsyncGenerator<object, void, undefined> {
  const accepted: object[] = []
  for (let attempt = 1; ; attempt++) {
    try {
      for await (const task of planTasks({ ...request, accepted: [...accepted] })) {
        accepted.push(task)
        yield task
      }
      return
    } catch (error) {
      if (!mayPass(error) || attempt >= POLICY.maxAttempts) throw error
      const delayMs = computeRetryDelay(POLICY, attempt, error.retryAfterMs, Math.random())
      onRepeat(error, delayMs)
      await sleep(systemClock, delayMs, request.signal)
    }
  }
}

function mayPass(error: unknown): error is ProviderError {
  return error instanceof ProviderError && error.retryable && (error.retryAfterMs ?? 0) <= MAX_RETRY_AFTER_MS
}
