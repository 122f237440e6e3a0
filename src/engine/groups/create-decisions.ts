import type { ExecutionState } from '../../events/execution-state.ts'
import { type ForkSource, Takeover } from '../reuse/takeover.ts'
import type { GroupParts } from './group-children.ts'
import { GroupDecisions } from './group-decisions.ts'
import { GroupTimers } from './group-timers.ts'
import { ParentOutcomes } from './parent-outcome.ts'

/** Puts together what takes the decisions of an execution. @param fork of a fork: what it takes its outputs from */
export function createDecisions(
  state: ExecutionState,
  parts: Omit<GroupParts, 'outcomes' | 'timers'>,
  fork: ForkSource | undefined,
): GroupDecisions {
  const { table, scopes, options } = parts
  const outcomes = new ParentOutcomes(table.graph, state, scopes)
  const takeover = fork && new Takeover(fork, table.graph, state, scopes)
  return new GroupDecisions({ ...parts, outcomes, timers: new GroupTimers(options.clock) }, takeover)
}
