import type { ExecutionState } from '../../events/execution-state.ts'
import type { TaskGraph } from '../../scheduler/task-graph.ts'
import type { ExecutionTasks } from '../execution-tasks.ts'
import type { StartParts } from '../loop-parts.ts'
import { type MemoryParts, OutputMemory, toOutputStore } from '../reuse/output-memory.ts'
import { Takeover } from '../reuse/takeover.ts'
import type { GroupParts } from './group-children.ts'
import { GroupDecisions } from './group-decisions.ts'
import { GroupTimers } from './group-timers.ts'
import { ParentOutcomes } from './parent-outcome.ts'

/** Creates the parts that decide on the groups of an execution, and on outputs that replace calls. */
export function createDecisions(
  state: ExecutionState,
  { fork, owner, growth }: Pick<StartParts, 'fork' | 'owner' | 'growth'>,
  parts: Omit<GroupParts, 'outcomes' | 'timers' | 'state' | 'growth'> & Pick<MemoryParts, 'counters'>,
): GroupDecisions {
  const { table, scopes, options, recorder, counters } = parts
  const outcomes = new ParentOutcomes(table.graph, state, scopes)
  const takeover = fork && new Takeover(fork, table.graph, state, scopes)
  const store = toOutputStore(options.store)
  const memory =
    store &&
    new OutputMemory({
      store,
      owner,
      counters,
      executionId: recorder.executionId,
      table,
      scopes,
      logger: options.logger,
      wake: () => recorder.wake(),
    })
  const timers = new GroupTimers(options.clock)
  return new GroupDecisions({ ...parts, state, growth, outcomes, timers }, { takeover, memory })
}

/** The decisions of an execution: `undefined` without conditions and parents, unless it is a fork. */
export class LazyDecisions {
  readonly #graph: TaskGraph
  readonly #create: () => GroupDecisions
  #made: GroupDecisions | undefined

  constructor(graph: TaskGraph, isFork: boolean, create: () => GroupDecisions) {
    this.#graph = graph
    this.#create = create
    // The takeover of a fork reads the ends in the log once, and follows the later ones.
    if (isFork) this.#made = create()
  }

  /** Tasks of the execution, with those that open parents have reserved. */
  get taskCount(): number {
    return this.#made?.taskCount ?? this.#graph.size - this.#graph.removedCount
  }

  /** Made once a task needs them, which may join the document; of a fork from the beginning. */
  get made(): GroupDecisions | undefined {
    if (this.#made === undefined && this.#graph.usesLanguage) this.#made = this.#create()
    return this.#made
  }

  /** The end of a task is in the log. */
  settled(task: number, tasks: ExecutionTasks): void {
    const state = this.made && tasks.stateOf(task)
    if (state !== undefined) this.made?.settled(task, state)
  }
}
