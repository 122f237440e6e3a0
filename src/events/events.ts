import type { TokenUsage } from './token-usage.ts'

/**
 * The wire contract. Per attempt, in this order:
 *
 *     task_start < task_progress · token · info < metrics < token_usage < task_retry | task_complete
 *
 * `execution_start` is first, `execution_complete` last. A dependency's `task_complete` precedes its dependent's
 * `task_start`; under `schedule: "layers"` all of a layer precede the next. Consumers ignore types and fields they do not
 * know: the wire only grows.
 *
 * The life of an execution over several processes:
 *
 *     execution_start ─▶ … ─▶ execution_handed_off ─▶ execution_resumed ─▶ … ─▶ execution_complete
 *                        …  (crash)                ─▶ execution_resumed
 *                        …  (crash)                ─▶ execution_parked  ─▶ execution_resumed
 *                        …  ─▶ execution_stopping  ─▶ … (no further task_start)
 *
 * An execution that is parked before it started has `execution_parked` in front of `execution_start`.
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
  | ExecutionStoppingEvent
  | ExecutionHandedOffEvent
  | ExecutionResumedEvent
  | ExecutionParkedEvent
  | ExecutionCompleteEvent
  | ErrorEvent
  | SnapshotEvent

/** The name of an event's type. */
export type SSEEventType = SSEEvent['type']

/** The names of the types, so that no caller spells one out. */
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

/** How a task ends: exactly one of these. A timeout is an `error`. */
export type FinalTaskStatus = 'success' | 'error' | 'skipped' | 'cancelled'

/** Where a task is. */
export type TaskStatus = 'pending' | 'running' | FinalTaskStatus

/** How an execution ends. */
export type ExecutionStatus = 'success' | 'partial' | 'error' | 'cancelled'

/** Why an execution ended some of its tasks. */
export type ReasonCode = 'CANCELLED' | 'EXECUTION_TIMEOUT' | 'BUDGET_EXCEEDED' | 'DISCONNECTED' | 'SHUTDOWN'

/** Why an execution ended some of its tasks, with a sentence for people. */
export interface Reason {
  readonly code: ReasonCode
  readonly message: string
}

/** How the tasks of an execution that have not settled end. */
export interface Stop {
  /** Present when the execution itself was cancelled, timed out, exceeded its budget or was shut down. */
  readonly reason?: Reason
  /** The `error` of the tasks that end by it. */
  readonly message: string
  /** Present when these tasks fail with this code; absent when they are cancelled. */
  readonly code?: TaskCode
}

/** Why an execution does not resume by itself. */
export interface Parked {
  readonly code: 'CRASH_LIMIT' | 'RECORD_UNUSABLE' | 'TOOLS_UNAVAILABLE' | (string & {})
  readonly message: string
  /** The ids of the tasks that are the cause; empty where no task is. */
  readonly tasks: readonly string[]
}

/** Why an execution is resumed: its process crashed, handed it off, or a person asked for it. */
export type ResumeCause = 'crash' | 'handoff' | 'manual'

/** A task that joins a running execution. */
export interface AddedTask {
  readonly taskId: string
  readonly tool: string
  readonly layer: number
  /** Ids of tasks that the execution has, or that stand before this one in the same event. */
  readonly dependsOn: readonly string[]
  /** Its position among the children of its parent, from 0. */
  readonly index?: number
}

/**
 * Why a task did not succeed: one of dagstream's own codes, or the string `code` that the tool's own error carries
 * (`TOOL_ERROR` where it carries none). After a crash `INTERRUPTED` stands in a `task_retry` with `interrupted`, or ends tasks with `onCrash:
 * "fail"`; `TOOLS_UNAVAILABLE` and `INVALID_WORKFLOW` end those that the next process cannot run any more.
 */
export type TaskCode =
  | 'TOOL_ERROR'
  | 'TASK_TIMEOUT'
  | 'CANCELLED'
  | 'DEPENDENCY_FAILED'
  | 'REFERENCE_NOT_FOUND'
  | 'INVALID_ARGUMENTS'
  | 'OUTPUT_NOT_SERIALIZABLE'
  | 'OUTPUT_TOO_LARGE'
  | 'INTERRUPTED'
  | 'TOOLS_UNAVAILABLE'
  | 'INVALID_WORKFLOW'
  | (string & {})

/** Severity of an `info` event. */
export type InfoLevel = 'debug' | 'info' | 'warning' | 'error'

/** How one task ended. */
export interface TaskResult {
  readonly taskId: string
  readonly tool: string
  readonly status: FinalTaskStatus
  /** The tool's output as JSON sees it; present exactly when `status` is `success`, except on the wire when over 64 KiB. */
  readonly output?: unknown
  /** For people; present exactly when `status` is not `success`. */
  readonly error?: string
  readonly code?: TaskCode
  /** The task whose failure is the root of this one being skipped. */
  readonly causedBy?: string
  /** How many attempts were started; 0 for a task that never ran. */
  readonly attempts: number
  /** The sum of its attempts, ms. */
  readonly executionTimeMs: number
  /** From ready to settled, without the attempts themselves, ms. */
  readonly waitMs: number
  /** The tool did not settle within the grace after its abort: its side effects may still happen. */
  readonly abandoned?: true
}

/** What stands for an output over 64 KiB on the wire. */
export interface OutputReference {
  /** Size of the output's JSON, bytes of UTF-8. */
  readonly outputBytes?: number
  /** The first characters of the output's JSON. */
  readonly outputPreview?: string
  /** Where the whole value can be had, relative to the server's root. */
  readonly outputPath?: string
}

/** How many tasks there are, and how many ended in which way. */
export interface ExecutionCounts {
  readonly totalTasks: number
  readonly successCount: number
  readonly errorCount: number
  readonly skippedCount: number
  readonly cancelledCount: number
}

/** A task as `snapshot` tells it. */
export interface TaskSnapshot extends OutputReference {
  readonly taskId: string
  /** Known once the task has started or ended. */
  readonly tool?: string
  readonly status: TaskStatus
  readonly layer: number
  readonly attempts: number
  /** Of a task that was added: the task it belongs to, and its position among the children of that. */
  readonly parentId?: string
  readonly index?: number
  readonly output?: unknown
  readonly error?: string
  readonly code?: TaskCode
  readonly causedBy?: string
  readonly executionTimeMs?: number
  readonly waitMs?: number
  readonly abandoned?: true
}

/** What every event's data carries. */
export interface EventData {
  readonly executionId: string
  /** ISO 8601, UTC. */
  readonly timestamp: string
}

interface EventOf<Type extends string, Data> {
  readonly type: Type
  readonly data: EventData & Data
  /** `<executionId>.<seq>`; absent on events that are not in the log. */
  readonly id?: string
}

/** First. */
export type ExecutionStartEvent = EventOf<
  'execution_start',
  {
    readonly totalTasks: number
    /** Task ids, layer by layer, in document order within each. */
    readonly layers: readonly (readonly string[])[]
    readonly schedule: Schedule
    readonly name?: string
  }
>

/** An attempt starts. */
export type TaskStartEvent = EventOf<
  'task_start',
  { readonly taskId: string; readonly tool: string; readonly layer: number; readonly attempt: number }
>

/** A tool reports how far it is. */
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

/** A model streams. Tokens of one turn of the event loop are joined; none is lost. */
export type TokenEvent = EventOf<'token', { readonly taskId: string; readonly attempt: number; readonly text: string }>

/** A tool, or the engine, logs. */
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
    /** From the tool call to its first token, ms. */
    readonly ttftMs: number
    /** From the tool call to the attempt's end, ms. */
    readonly totalMs: number
    readonly tokenCount: number
    /** Tokens after the first, over the seconds between the first and the last; 0 where that is not defined. */
    readonly tokensPerSec: number
  }
>

/** An attempt used tokens; once per such attempt, however it ended. */
export type TokenUsageEvent = EventOf<
  'token_usage',
  {
    readonly taskId: string
    readonly attempt: number
    /** This attempt's. */
    readonly tokenUsage: TokenUsage
    /** The execution's so far, all attempts. */
    readonly executionTokenUsage: TokenUsage
  }
>

/** The attempt failed and another follows: what it streamed is void. */
export type TaskRetryEvent = EventOf<
  'task_retry',
  {
    readonly taskId: string
    readonly attempt: number
    readonly delayMs: number
    readonly error: string
    readonly code: TaskCode
    /** How long this attempt took, ms; absent where its process ended before it did. */
    readonly executionTimeMs?: number
    /** The attempt was cut by the end of its process. It does not count against the retry policy. */
    readonly interrupted?: true
  }
>

/** A task ended; once per task. */
export type TaskCompleteEvent = EventOf<'task_complete', TaskResult & OutputReference>

/** The execution grows: by the children of `parentId`, or by tasks of its own. */
export type TasksAddedEvent = EventOf<
  'tasks_added',
  {
    readonly parentId?: string
    readonly tasks: readonly AddedTask[]
    /** How many tasks the execution has now. */
    readonly totalTasks: number
  }
>

/** From here on nothing starts, running attempts are aborted, and every task that has not settled ends. At most once. */
export type ExecutionStoppingEvent = EventOf<'execution_stopping', Stop>

/** Its process shuts down and leaves the execution to the next one: running attempts end as interrupted. */
export type ExecutionHandedOffEvent = EventOf<'execution_handed_off', object>

/** Another process, or the same one after its store failed, continues the execution. */
export type ExecutionResumedEvent = EventOf<
  'execution_resumed',
  {
    readonly cause: ResumeCause
    /** How long the execution had run before, without the time between its processes, ms. */
    readonly executionTimeMs: number
  }
>

/** The execution does not resume by itself any more. It can be resumed by hand. */
export type ExecutionParkedEvent = EventOf<'execution_parked', Parked>

/** Last. */
export type ExecutionCompleteEvent = EventOf<
  'execution_complete',
  ExecutionCounts & {
    readonly status: ExecutionStatus
    readonly reason?: Reason
    readonly totalExecutionTimeMs: number
    readonly speedup: number
    readonly criticalPathMs: number
    readonly parallelizationLayers: number
    readonly tokenUsage?: TokenUsage
  }
>

/** Last instead, when the execution could not finish its work. Not logged, no id; the execution can be resumed. */
export type ErrorEvent = EventOf<'error', { readonly taskId?: string; readonly error: string; readonly code: string }>

/** The state up to `seq`, only to a subscriber whose cursor cannot be served. Not logged. */
export type SnapshotEvent = EventOf<
  'snapshot',
  {
    readonly seq: number
    readonly status: 'pending' | 'running' | ExecutionStatus
    readonly tasks: readonly TaskSnapshot[]
    readonly counts: ExecutionCounts
    readonly tokenUsage?: TokenUsage
    readonly stopping?: Stop
    readonly parked?: Parked
  }
>

/** The event of one type: `EventFor<'token'>` is `TokenEvent`. */
export type EventFor<Type extends SSEEventType> = Extract<SSEEvent, { type: Type }>

/** `<executionId>.<seq>`: what a client sends back to go on from here. */
export function formatEventId(executionId: string, seq: number): string {
  return `${executionId}.${seq}`
}

/** The inverse of `formatEventId`; `undefined` for anything that it does not make. */
export function parseEventId(id: string): { executionId: string; seq: number } | undefined {
  const match = /^([A-Za-z0-9_-]{1,128})\.(0|[1-9][0-9]{0,14})$/.exec(id)
  return match ? { executionId: match[1] as string, seq: Number(match[2]) } : undefined
}
