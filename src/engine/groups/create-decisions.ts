import type { ExecutionState } from '../../events/execution-state.ts'
import { type MemoryParts, OutputMemory } from '../reuse/output-memory.ts'
import { type ForkSource, Takeover } from '../reuse/takeover.ts'
import type { GroupParts } from './group-children.ts'
import { GroupDecisions } from './group-decisions.ts'
import { GroupTimers } from './group-timers.ts'
import { ParentOutcomes } from './parent-outcome.ts'

/** Sources of outputs that replace calls. */
export interface ReuseParts {
  /** Of a fork. */
  readonly fork: ForkSource | undefined
  /** Of an execution whose store remembers outputs. */
  readonly memory: Pick<MemoryParts, 'store' | 'owner' | 'counters'> | undefined
}

/** Creates the parts that decide on the groups of an execution, and on outputs that replace calls. */
export function createDecisions(
  state: ExecutionState,
  parts: Omit<GroupParts, 'outcomes' | 'timers'>,
  { fork, memory: given }: ReuseParts,
): GroupDecisions {
  const { table, scopes, options, recorder } = parts
  const outcomes = new ParentOutcomes(table.graph, state, scopes)
  const takeover = fork && new Takeover(fork, table.graph, state, scopes)
  const memory =
    given &&
    new OutputMemory({
      ...given,
      executionId: recorder.executionId,
      table,
      scopes,
      logger: options.logger,
      wake: () => recorder.wake(),
    })
  return new GroupDecisions({ ...parts, outcomes, timers: new GroupTimers(options.clock) }, { takeover, memory })
}
