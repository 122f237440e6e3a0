import type { AttemptRunner } from '../attempt/runner.ts'
import type { JsonValue } from '../events/json-value.ts'
import type { EventLog } from '../log/event-log.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import type { TaskTable } from '../scheduler/task-table.ts'
import type { MutableCounters } from './counters.ts'
import type { ResolvedOptions } from './options.ts'
import type { OutputBudget } from './output-budget.ts'
import type { ForkSource } from './reuse/takeover.ts'

/** Current numbers of running and waiting tasks of an execution. */
export interface TaskActivity {
  readonly running: number
  /** Tasks that wait for a slot, for the limit of their tool, and for their next attempt. */
  readonly slot: number
  readonly limit: number
  readonly retry: number
}

/** The parts of an execution that exist before its plan is built. */
export interface LoopParts {
  readonly log: EventLog
  readonly options: ResolvedOptions
  readonly counters: MutableCounters
  /** ISO 8601. @defaultValue now */
  readonly createdAt?: string
}

/** The parts that an execution needs to start. */
export interface StartParts {
  readonly plan: ExecutionPlan
  /** The value of `$INPUT`. */
  readonly input: JsonValue | undefined
  /** Replayed from the log; @defaultValue that of an empty log */
  readonly table?: TaskTable
  /** Replayed like the table. */
  readonly outputs?: OutputBudget
  /** Of a fork: what it takes its outputs from. */
  readonly fork?: ForkSource | undefined
  /** Whose outputs it remembers. */
  readonly owner?: string | undefined
  /** @defaultValue runs the tools of the plan in this process */
  readonly runner?: AttemptRunner
}
