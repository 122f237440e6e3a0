import type { TokenUsage } from './token-usage.ts'

/**
 * The wire contract. Per attempt, in this order:
 *
 *     task_start < task_progress · token · info · input_required < metrics < token_usage < task_retry | task_complete
 *
 * The `input_resolved` of a question comes after its `input_required` and before the `task_complete` of its task. A
 * question that is open when an attempt is interrupted or fails stays open: the next attempt asks it without an event.
 * An approval comes before the first `task_start`.
 *
 *
 * `execution_start` is first, `execution_complete` last. A dependency's `task_complete` precedes its dependent's
 * `task_start`; under `schedule: "layers"` all events of a layer precede the next layer. The wire format only grows:
 * consumers ignore unknown types and fields.
 *
 * The life of an execution over several processes:
 *
 *     execution_start ─▶ … ─▶ execution_handed_off ─▶ execution_resumed ─▶ … ─▶ execution_complete
 *                        …  (crash)                ─▶ execution_resumed
 *                        …  (crash)                ─▶ execution_parked  ─▶ execution_resumed
 *                        …  ─▶ execution_stopping  ─▶ … (no further task_start)
 *
 * An execution that is parked before it starts has `execution_parked` before `execution_start`.
 */
export type SSEEvent =
  | ExecutionStartEvent
  | TaskStartEvent
  | TaskProgressEvent
  | TokenEvent
  | InfoEvent
  | MetricsEvent
  | TokenUsageEvent
  | TaskRetryEvent
  | TaskCompleteEvent
  | TasksAddedEvent
  | TasksRemovedEvent
  | PlanRejectedEvent
  | PlanSealedEvent
  | TasksStoppingEvent
  | InputRequiredEvent
  | InputResolvedEvent
  | ExecutionStoppingEvent
  | ExecutionHandedOffEvent
  | ExecutionResumedEvent
  | ExecutionParkedEvent
  | ExecutionCompleteEvent
  | ErrorEvent
  | SnapshotEvent

/** The name of an event's type. */
export type SSEEventType = SSEEvent['type']

/** Constants for the event types. */
export const SSE_EVENTS: {
  readonly [K in SSEEventType as Uppercase<K>]: K
} = Object.freeze({
  EXECUTION_START: 'execution_start',
  TASK_START: 'task_start',
  TASK_PROGRESS: 'task_progress',
  TOKEN: 'token',
  INFO: 'info',
  METRICS: 'metrics',
  TOKEN_USAGE: 'token_usage',
  TASK_RETRY: 'task_retry',
  TASK_COMPLETE: 'task_complete',
  TASKS_ADDED: 'tasks_added',
  TASKS_REMOVED: 'tasks_removed',
  PLAN_REJECTED: 'plan_rejected',
  PLAN_SEALED: 'plan_sealed',
  TASKS_STOPPING: 'tasks_stopping',
  INPUT_REQUIRED: 'input_required',
  INPUT_RESOLVED: 'input_resolved',
  EXECUTION_STOPPING: 'execution_stopping',
  EXECUTION_HANDED_OFF: 'execution_handed_off',
  EXECUTION_RESUMED: 'execution_resumed',
  EXECUTION_PARKED: 'execution_parked',
  EXECUTION_COMPLETE: 'execution_complete',
  ERROR: 'error',
  SNAPSHOT: 'snapshot',
})

/** `"layers"`: one topological layer after another; `"dataflow"`: each task as soon as its own dependencies succeeded. */
export type Schedule = 'layers' | 'dataflow'

/** The final status of a task. A timeout is an `error`. */
export type FinalTaskStatus = 'success' | 'error' | 'skipped' | 'cancelled'

/** The current status of a task. `waiting`: an answer of a person is awaited. */
export type TaskStatus = 'pending' | 'running' | 'waiting' | FinalTaskStatus

/** The final status of an execution. */
export type ExecutionStatus = 'success' | 'partial' | 'error' | 'cancelled'

/** Why an execution was stopped before all its tasks had ended. */
export type ReasonCode =
  | 'CANCELLED'
  | 'EXECUTION_TIMEOUT'
  | 'BUDGET_EXCEEDED'
  | 'DISCONNECTED'
  | 'SHUTDOWN'
  | 'PLAN_REJECTED'
  | 'PLAN_INCOMPLETE'

/** A `ReasonCode` with a sentence for people. */
export interface Reason {
  readonly code: ReasonCode
  readonly message: string
}

/** How the unsettled tasks of a stopping execution end. */
export interface Stop {
  /** Present when the execution itself was cancelled, timed out, exceeded its budget or was shut down. */
  readonly reason?: Reason
  /** The `error` of these tasks. */
  readonly message: string
  /** The code with which these tasks fail; absent when they are cancelled. */
  readonly code?: TaskCode
  /** Of the request that asked for it, if that had a key: its repetition asks for nothing more. Not the key itself. */
  readonly requestId?: string
}

/** Why an execution is parked: it does not resume automatically. */
export interface Parked {
  readonly code: 'CRASH_LIMIT' | 'RECORD_UNUSABLE' | 'TOOLS_UNAVAILABLE' | (string & {})
  readonly message: string
  /** Ids of the tasks that caused it; empty if no task did. */
  readonly tasks: readonly string[]
}

/** Why an execution is resumed: its process crashed, its process handed it off, or a person requested it. */
export type ResumeCause = 'crash' | 'handoff' | 'manual'

/** A task added to a running execution. */
export interface AddedTask {
  readonly taskId: string
  readonly tool: string
  readonly layer: number
  /** Ids of existing tasks, or of earlier tasks of the same event. */
  readonly dependsOn: readonly string[]
  /** Of an item or a round: its number, from 0. */
  readonly index?: number
  /** A successful output of its parent holds its output. */
  readonly held?: true
  /** Of a streamed plan: the physical line that it stands on, from 1. */
  readonly line?: number
  /** The whole task, of a task that joined the document or a plan. Only in the log: never on the wire. */
  readonly definition?: unknown
}

/**
 * Why a task did not succeed: a code of dagstream, or the string `code` of the tool's error (`TOOL_ERROR` if it has none).
 * `CONDITION_FALSE`, `NOT_NEEDED` and `DEPENDENCY_SKIPPED` are skips without a failure. After a crash, `INTERRUPTED` appears
 * in a `task_retry` with `interrupted`, or ends tasks with `onCrash: "fail"`. `TOOLS_UNAVAILABLE` and `INVALID_WORKFLOW` end
 * tasks that the next process can no longer run.
 */
export type TaskCode =
  | 'TOOL_ERROR'
  | 'TASK_TIMEOUT'
  | 'CANCELLED'
  | 'DEPENDENCY_FAILED'
  | 'CONDITION_FALSE'
  | 'NOT_NEEDED'
  | 'DEPENDENCY_SKIPPED'
  | 'CONDITION_FAILED'
  | 'INVALID_ITEMS'
  | 'ITEMS_FAILED'
  | 'CHILD_FAILED'
  | 'REPEAT_EXHAUSTED'
  | 'INVALID_INPUT'
  | 'LIMIT_EXCEEDED'
  | 'FINALLY_TIMEOUT'
  | 'INPUT_DECLINED'
  | 'INPUT_EXPIRED'
  | 'INPUT_MISMATCH'
  | 'INVALID_QUESTION'
  | 'REFERENCE_NOT_FOUND'
  | 'INVALID_ARGUMENTS'
  | 'OUTPUT_NOT_SERIALIZABLE'
  | 'OUTPUT_TOO_LARGE'
  | 'INTERRUPTED'
  | 'TOOLS_UNAVAILABLE'
  | 'EMISSIONS_UNDELIVERED'
  | 'INVALID_OUTCOME'
  | 'INVALID_WORKFLOW'
  | (string & {})

/** Severity of an `info` event. */
export type InfoLevel = 'debug' | 'info' | 'warning' | 'error'

/** Where an output comes from that a task took over instead of running. */
export interface ReusedFrom {
  /** The execution that ran it. */
  readonly executionId: string
  readonly taskId: string
}

/** The result of one task. */
export interface TaskResult {
  readonly taskId: string
  readonly tool: string
  readonly status: FinalTaskStatus
  /**
   * The tool's output as a JSON value. Present exactly when `status` is `success`, except on the wire when over 64 KiB.
   */
  readonly output?: unknown
  /** Message for people. Present exactly when `status` is not `success`. */
  readonly error?: string
  readonly code?: TaskCode
  /** Id of the task whose failure is the root cause of this task being skipped. */
  readonly causedBy?: string
  /** Number of attempts started; 0 for a task that never ran. */
  readonly attempts: number
  /** Total duration of its attempts, ms. */
  readonly executionTimeMs: number
  /** Time from ready to settled, without the attempts, ms. */
  readonly waitMs: number
  /** The tool did not settle within the grace period after its abort. Its side effects may still happen. */
  readonly abandoned?: true
  /** The task failed, and its failure is tolerated. */
  readonly optional?: true
  /** The task did not run: its output is that of this one. */
  readonly reusedFrom?: ReusedFrom
  /** The `version` of its tool, if that has one. */
  readonly toolVersion?: string
}

/** The value of the `output` of a workflow; absent if it declares none. */
export interface WorkflowOutput extends OutputReference {
  readonly output?: unknown
  /** Why there is no output, though the workflow declares one. */
  readonly outputError?: { readonly code: string; readonly message: string }
}

/** The figures that an execution ends with. */
export interface ExecutionTotals {
  readonly totalExecutionTimeMs: number
  readonly speedup: number
  readonly criticalPathMs: number
  readonly parallelizationLayers: number
}

/** Replaces an output over 64 KiB on the wire. */
export interface OutputReference {
  /** Size of the output's JSON, bytes of UTF-8. */
  readonly outputBytes?: number
  /** The first characters of the output's JSON. */
  readonly outputPreview?: string
  /** Path of the whole value, relative to the server's root. */
  readonly outputPath?: string
}

/** Number of tasks, in total and per final status. */
export interface ExecutionCounts {
  readonly totalTasks: number
  readonly successCount: number
  readonly errorCount: number
  readonly skippedCount: number
  readonly cancelledCount: number
  /** Those of `errorCount` whose failure was tolerated; absent if no task may fail without harm. */
  readonly toleratedCount?: number
}

/** A task in a `snapshot` event. */
export interface TaskSnapshot extends OutputReference {
  readonly taskId: string
  /** Known once the task has started or ended. */
  readonly tool?: string
  readonly status: TaskStatus
  readonly layer: number
  readonly attempts: number
  /** The last reported progress of the running attempt. */
  readonly progress?: { readonly progress: number; readonly total?: number; readonly message?: string }
  /** Of an added task: as in its `AddedTask`. */
  readonly parentId?: string
  readonly index?: number
  readonly held?: true
  /** The last attempt that failed and was to be followed by another. */
  readonly retriedAttempt?: number
  /** Number of attempts that ended with their process. They do not count against the retry policy. */
  readonly interruptedCount?: number
  /** Number of items of a `forEach`. */
  readonly itemCount?: number
  readonly output?: unknown
  readonly error?: string
  readonly code?: TaskCode
  readonly causedBy?: string
  readonly executionTimeMs?: number
  readonly waitMs?: number
  readonly abandoned?: true
  readonly optional?: true
  readonly reusedFrom?: ReusedFrom
  readonly toolVersion?: string
}

/** Fields of every event's data. */
export interface EventData {
  readonly executionId: string
  /** ISO 8601, UTC. */
  readonly timestamp: string
}

interface EventOf<Type extends string, Data> {
  readonly type: Type
  readonly data: EventData & Data
  /** `<executionId>.<seq>`; absent on events that are not logged. */
  readonly id?: string
}

/** The first event. */
export type ExecutionStartEvent = EventOf<
  'execution_start',
  {
    readonly totalTasks: number
    /** Task ids, layer by layer, in document order within each. */
    readonly layers: readonly (readonly string[])[]
    readonly schedule: Schedule
    readonly name?: string
    /** Index of the first layer of `finally` tasks; absent if there are none. */
    readonly finallyFrom?: number
    /** Its plan is still being written: tasks are added until `plan_sealed`. */
    readonly unsealed?: true
    /** Of a streamed plan: the number of physical lines that were read, 1 for one with a line of options. */
    readonly planLine?: number
    /** Expected time from start to end by the history of the store, ms; absent where it is unknown. */
    readonly forecastMs?: number
    /**
     * Under `dataflow`, what each task of the document is expected to take by that history, ms, in document order. Only in the
     * log, for the order of starts after a crash: never on the wire.
     */
    readonly estimatesMs?: readonly number[]
  }
>

/** An attempt starts, or a task whose children run in its place. */
export type TaskStartEvent = EventOf<
  'task_start',
  {
    readonly taskId: string
    readonly tool: string
    readonly layer: number
    readonly attempt: number
    /** Number of items of a `forEach`. */
    readonly itemCount?: number
    /** Of a task whose tasks its tool plans: which of them start before the plan is complete. */
    readonly eager?: 'read-only' | 'all'
  }
>

/** A tool reports its progress. */
export type TaskProgressEvent = EventOf<
  'task_progress',
  {
    readonly taskId: string
    readonly attempt: number
    readonly progress: number
    readonly total?: number
    readonly message?: string
  }
>

/** A model streams text. Tokens of one turn of the event loop are concatenated; none is lost. */
export type TokenEvent = EventOf<'token', { readonly taskId: string; readonly attempt: number; readonly text: string }>

/** A log message of a tool or of the engine. */
export type InfoEvent = EventOf<
  'info',
  {
    readonly taskId?: string
    readonly attempt?: number
    readonly level: InfoLevel
    readonly message: string
  }
>

/** A model's stream ended. */
export type MetricsEvent = EventOf<
  'metrics',
  {
    readonly taskId: string
    readonly attempt: number
    /** Time from the tool call to its first token, ms. */
    readonly ttftMs: number
    /** Time from the tool call to the end of the attempt, ms. */
    readonly totalMs: number
    readonly tokenCount: number
    /** Number of tokens after the first, divided by the seconds from the first to the last; 0 if undefined. */
    readonly tokensPerSec: number
  }
>

/** Token usage of an attempt. At most once per attempt, whatever its outcome. */
export type TokenUsageEvent = EventOf<
  'token_usage',
  {
    readonly taskId: string
    readonly attempt: number
    /** Usage of this attempt. */
    readonly tokenUsage: TokenUsage
    /** Usage of the execution so far, over all attempts. */
    readonly executionTokenUsage: TokenUsage
  }
>

/** The attempt failed and another follows. Tokens and progress of the failed attempt are void. */
export type TaskRetryEvent = EventOf<
  'task_retry',
  {
    readonly taskId: string
    readonly attempt: number
    readonly delayMs: number
    readonly error: string
    readonly code: TaskCode
    /** Duration of this attempt, ms; absent if its process ended first. */
    readonly executionTimeMs?: number
    /** The end of the process interrupted the attempt. It does not count against the retry policy. */
    readonly interrupted?: true
    /** Its worker was lost. An execution is parked once the workers of one task were lost three times. */
    readonly lost?: true
  }
>

/** A task ended. Exactly once per task. */
export type TaskCompleteEvent = EventOf<'task_complete', TaskResult & OutputReference>

/** Tasks were added to the execution: children of `parentId`, or top-level tasks if it is absent. */
export type TasksAddedEvent = EventOf<
  'tasks_added',
  {
    readonly parentId?: string
    readonly tasks: readonly AddedTask[]
    /** Number of tasks of the execution, including the added ones. */
    readonly totalTasks: number
    /** The registered workflows that added tasks are the first to name. Only in the log: never on the wire. */
    readonly workflows?: Readonly<Record<string, unknown>>
  }
>

/** Tasks of the document that had not started were removed: they have no further event. */
export type TasksRemovedEvent = EventOf<
  'tasks_removed',
  {
    readonly taskIds: readonly string[]
    /** Number of tasks of the execution without the removed ones. */
    readonly totalTasks: number
  }
>

/** A line of a streamed plan was refused. */
export type PlanRejectedEvent = EventOf<
  'plan_rejected',
  {
    /** The task that plans; absent for the plan of the document. */
    readonly parentId?: string
    /** The physical line, from 1; of a task that plans, the number of what its attempt wrote. */
    readonly line: number
    /** Pointers lead into the line. */
    readonly issues: readonly PlanIssue[]
  }
>

/** One problem of a line of a streamed plan. */
export interface PlanIssue {
  /** As in the issues of a workflow. */
  readonly code: string
  /** JSON Pointer (RFC 6901) into the line. */
  readonly pointer: string
  readonly message: string
  readonly hint?: string
}

/** A streamed plan is complete: no line follows, and tools that are not read-only may start. */
export type PlanSealedEvent = EventOf<'plan_sealed', { readonly totalTasks: number }>

/**
 * Nothing more of a group starts: its running attempts are aborted, its unsettled tasks end. `phase: "tasks"` leaves its
 * `finally` tasks to run; `phase: "finally"` ends those, too.
 */
export type TasksStoppingEvent = EventOf<
  'tasks_stopping',
  Stop & {
    /** The task whose children it concerns; absent for the tasks of the document. */
    readonly parentId?: string
    readonly phase: 'tasks' | 'finally'
    /** How the parent fails because of it. */
    readonly failure?: { readonly code: TaskCode; readonly message: string }
  }
>

/** A question to a person. */
export interface InputQuestion {
  readonly taskId: string
  /** `<taskId>.<n>`: the n-th question of an attempt, from 1; 0 is the approval of the task. */
  readonly inputId: string
  readonly message: string
  /** JSON Schema of the answer. */
  readonly responseSchema?: Readonly<Record<string, unknown>>
  /** ISO 8601; from then on no answer is taken. Absent: it stays open until it is answered or its task ends. */
  readonly expiresAt?: string
  /** An approval is answered by `true` or `false`; `false` declines it. */
  readonly kind: 'question' | 'approval'
  /** The answer is not shown: mask it. */
  readonly secret?: true
  /** Of a task that is an item or a round: its number, from 0. */
  readonly index?: number
  /** Of a task that is an item: the item, if it is small. */
  readonly item?: unknown
}

/** How a question ended. */
export type InputOutcome = 'answered' | 'declined' | 'expired' | 'cancelled'

/** A task waits for a person. A question that is asked again, after a crash or by another attempt, has no second event. */
export type InputRequiredEvent = EventOf<'input_required', InputQuestion>

/** A question is closed. */
export type InputResolvedEvent = EventOf<
  'input_resolved',
  {
    readonly taskId: string
    readonly inputId: string
    readonly outcome: InputOutcome
    /** The answer, or the default of an expired question; absent for a secret. */
    readonly response?: unknown
    /** The person who answered or declined, as the server knows them. */
    readonly by?: string
  }
>

/** From here on no task starts, running attempts are aborted, and every unsettled task ends. At most once. */
export type ExecutionStoppingEvent = EventOf<'execution_stopping', Stop>

/** The process shuts down and hands the execution off to the next one. Running attempts end as interrupted. */
export type ExecutionHandedOffEvent = EventOf<'execution_handed_off', object>

/** Another process, or the same one after its store failed, continues the execution. */
export type ExecutionResumedEvent = EventOf<
  'execution_resumed',
  {
    readonly cause: ResumeCause
    /** Running time of the execution so far, without the time between processes, ms. */
    readonly executionTimeMs: number
    /** Tasks whose attempts continue on workers; all other attempts were interrupted. Absent: none continues. */
    readonly continued?: readonly string[]
  }
>

/** The execution no longer resumes automatically. It can be resumed manually. */
export type ExecutionParkedEvent = EventOf<'execution_parked', Parked>

/** The last event. Its output is replaced like that of a task if it is over 64 KiB. */
export type ExecutionCompleteEvent = EventOf<
  'execution_complete',
  ExecutionCounts &
    ExecutionTotals &
    WorkflowOutput & {
      readonly status: ExecutionStatus
      readonly reason?: Reason
      readonly tokenUsage?: TokenUsage
    }
>

/** Replaces `execution_complete` when the execution could not finish. Not logged, no id; the execution can be resumed. */
export type ErrorEvent = EventOf<'error', { readonly taskId?: string; readonly error: string; readonly code: string }>

/** The state up to `seq`, sent only to a subscriber whose cursor cannot be served. Not logged. */
export type SnapshotEvent = EventOf<
  'snapshot',
  WorkflowOutput & {
    readonly seq: number
    readonly status: 'pending' | 'running' | ExecutionStatus
    readonly name?: string
    readonly schedule?: Schedule
    /** Index of the first layer of `finally` tasks; absent if there are none. */
    readonly finallyFrom?: number
    /** Its plan is still being written. */
    readonly unsealed?: true
    /** Of a streamed plan: the last physical line that was accepted or left out. */
    readonly planLine?: number
    /** Expected time from start to end, ms. */
    readonly forecastMs?: number
    readonly tasks: readonly TaskSnapshot[]
    readonly counts: ExecutionCounts
    readonly tokenUsage?: TokenUsage
    readonly reason?: Reason
    readonly stopping?: Stop
    readonly parked?: Parked
    /** The open questions; absent if there are none. */
    readonly inputs?: readonly InputQuestion[]
    /** Its last process handed it off. */
    readonly handedOff?: true
    /** Present once the execution has ended. */
    readonly totals?: ExecutionTotals
  }
>

/** The event of one type: `EventFor<'token'>` is `TokenEvent`. */
export type EventFor<Type extends SSEEventType> = Extract<SSEEvent, { type: Type }>

/** `<executionId>.<seq>`: the id that a client sends back to resume after this event. */
export function formatEventId(executionId: string, seq: number): string {
  return `${executionId}.${seq}`
}

/** The inverse of `formatEventId`; `undefined` for any other text. */
export function parseEventId(id: string): { executionId: string; seq: number } | undefined {
  const match = /^([A-Za-z0-9_-]{1,128})\.(0|[1-9][0-9]{0,14})$/.exec(id)
  return match ? { executionId: match[1] as string, seq: Number(match[2]) } : undefined
}
