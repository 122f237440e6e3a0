import type { AttemptRunner } from '../attempt/runner.ts'
import type { DagstreamError } from '../errors.ts'
import type { Reason } from '../events/events.ts'
import type { JsonValue } from '../events/json-value.ts'
import type { EventLog } from '../log/event-log.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import type { TaskTable } from '../scheduler/task-table.ts'
import type { Commands } from './commands.ts'
import type { MutableCounters } from './counters.ts'
import type { ExecutionOutcome } from './execution-outcome.ts'
import type { ResolvedOptions } from './options.ts'
import type { OutputBudget } from './output-budget.ts'
import type { Recorder } from './recorder.ts'
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
  /** Whether a person may answer its questions. @defaultValue true */
  readonly isAttended?: boolean
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
  /** Secret answers of unsettled tasks, by the id of their question. */
  readonly secrets?: ReadonlyMap<string, JsonValue>
  /** @defaultValue runs the tools of the plan in this process, or on the workers of a shared store */
  readonly runner?: AttemptRunner
}

/** The parts of the loop that its rounds work with. */
export interface RoundContext {
  readonly recorder: Recorder
  readonly commands: Commands
  readonly outcome: ExecutionOutcome
  readonly cancel: (reason: Reason, requestId?: string) => void
  /** The execution is left to the next process, and no attempt runs any more. */
  readonly handedOff: (failure: DagstreamError) => void
  /** Whether it only waits for people has changed. */
  readonly onPersonWait: (isWaiting: boolean) => void
}
