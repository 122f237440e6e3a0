import type { ExecutionState } from '../../events/execution-state.ts'
import type { GroupParts } from './group-children.ts'
import { GroupDecisions } from './group-decisions.ts'
import { GroupTimers } from './group-timers.ts'
import { ParentOutcomes } from './parent-outcome.ts'

/** Creates the parts that decide on the groups of an execution. */
export function createDecisions(state: ExecutionState, parts: Omit<GroupParts, 'outcomes' | 'timers'>): GroupDecisions {
  const outcomes = new ParentOutcomes(parts.table.graph, state, parts.scopes)
  return new GroupDecisions({ ...parts, outcomes, timers: new GroupTimers(parts.options.clock) })
}
