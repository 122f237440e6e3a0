import type { ExecutionState } from '../../events/execution-state.ts'
import type { ExecutionPlan } from '../../plan/execution-plan.ts'
import type { GroupParts } from './group-children.ts'
import { GroupDecisions } from './group-decisions.ts'
import { GroupTimers } from './group-timers.ts'
import { ParentOutcomes } from './parent-outcome.ts'

/** Puts together what takes the decisions of an execution; `undefined` for a plan that needs none. */
export function createDecisions(
  { usesLanguage }: ExecutionPlan,
  state: ExecutionState,
  parts: Omit<GroupParts, 'outcomes' | 'timers'>,
): GroupDecisions | undefined {
  if (!usesLanguage) return undefined
  const outcomes = new ParentOutcomes(parts.table.graph, state, parts.scopes)
  return new GroupDecisions({ ...parts, outcomes, timers: new GroupTimers(parts.options.clock) })
}
