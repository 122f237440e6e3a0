import type { JsonValue } from '../../events/json-value.ts'
import type { ExecutionPlan } from '../../plan/execution-plan.ts'
import type { ForkSource } from './takeover.ts'

/** Maximum number of tasks of a recorded execution for a prediction: the arguments of each are resolved. */
const MAX_TASKS = 2000

/**
 * Predicts which tasks of a fork are taken over if all that they depend on is. Conditions are not evaluated: a task that was
 * skipped is expected to be skipped again.
 * @param plan that of the fork
 * @param input of the fork
 * @returns by the full id of a task; `undefined` where the recorded execution is too large
 */
export function predictReuse(
  { recorded, from }: ForkSource,
  plan: ExecutionPlan,
  input: JsonValue | undefined,
): ((taskId: string) => boolean) | undefined {
  if (recorded.size > MAX_TASKS) return undefined
  const scopes = recorded.scopesUnder(plan, input)
  const forced = new Set(from)
  return taskId => {
    for (let at: string | undefined = taskId; at !== undefined; at = recorded.parentOf(at)) {
      if (forced.has(at)) return false
    }
    return recorded.isSame(taskId, scopes)
  }
}
