import type { AttemptRunner } from '../attempt/runner.ts'
import type { DagstreamError } from '../errors.ts'
import type { Reason } from '../events/events.ts'
import type { JsonValue } from '../events/json-value.ts'
import type { EventLog } from '../log/event-log.ts'
import type { Outlook } from '../forecast/outlook.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import type { Permits } from '../scheduler/permits.ts'
import type { TaskColumns } from '../scheduler/task-columns.ts'
import type { TaskTable } from '../scheduler/task-table.ts'
import type { PlanRoom } from '../tools/plan-room.ts'
import type { Scope } from '../workflow/template.ts'
import type { AttemptAbortion } from './active-attempt.ts'
import type { Commands } from './commands.ts'
import type { MutableCounters } from './counters.ts'
import type { Emissions } from './emissions.ts'
import type { ExecutionOutcome } from './execution-outcome.ts'
import type { ExecutionTasks } from './execution-tasks.ts'
import type { Inputs } from './inputs/inputs.ts'
import type { ResolvedOptions } from './options.ts'
import type { GrowthSources } from './growth/growth-sources.ts'
import type { ResolvedPlanOptions } from './growth/plan-options.ts'
import type { OutputBudget } from './output-budget.ts'
import type { Recorder } from './recorder.ts'
import type { RemoteRunner } from './remote/remote-runner.ts'
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
  /** What tasks that join the document may name. @defaultValue nothing can join it */
  readonly growth?: GrowthSources | undefined
  /** Present for a plan that is still being written, or was. */
  readonly streamed?: ResolvedPlanOptions | undefined
  /** Of one that starts: what is expected of it. @defaultValue nothing */
  readonly outlook?: Outlook | undefined
  /** Whose outputs it remembers. */
  readonly owner?: string | undefined
  /** Secret answers of unsettled tasks, by the id of their question. */
  readonly secrets?: ReadonlyMap<string, JsonValue>
  /** @defaultValue runs the tools of the plan in this process, or on the workers of a shared store */
  readonly runner?: AttemptRunner
}

/** The trace contexts of an execution, each a W3C `traceparent`. */
export interface LoopTraces {
  /** That of the execution itself. */
  readonly traceparent: string | undefined
  /** That of an attempt whose start is in the log, or of one for a worker: its order is written together with its start. */
  traceparentOf(taskId: string, attempt: number): string | undefined
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
  /** The trace context of an attempt whose start is in the log. */
  readonly traceparentOf: LoopTraces['traceparentOf']
}

/** The parts of an execution that its attempts work with. */
export interface AttemptParts {
  readonly tasks: ExecutionTasks
  readonly columns: TaskColumns
  readonly permits: Permits
  readonly recorder: Recorder
  readonly emissions: Emissions
  readonly outputs: OutputBudget
  readonly runner: AttemptRunner
  /** The values that the references of a task can name. */
  readonly scopeOf: (task: number) => Scope
  readonly options: ResolvedOptions
  readonly counters: MutableCounters
  /** `runner`, if it runs attempts on workers. */
  readonly remote: RemoteRunner | undefined
  /** Where the tasks of a planner join. */
  readonly roomOf: (task: number, isOver: () => boolean) => PlanRoom | undefined
  /** Finds the reason for which a task no longer runs, if there is one. */
  readonly findAbortion: (task: number) => AttemptAbortion | undefined
  /** The trace context of an attempt. */
  readonly traceparentOf: LoopTraces['traceparentOf']
  /** The questions of the execution; created on first use if `isNeeded`. */
  readonly inputs: (isNeeded: boolean) => Inputs | undefined
  /** The last active attempt has ended. */
  readonly onIdle: () => void
}
