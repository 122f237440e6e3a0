import type { TokenUsage } from '../events/token-usage.ts'

/** The names of the event types. */
export const SSE_EVENTS: {
  readonly [K in SSEEventType as Uppercase<K>]: K
} = Object.freeze({
  START: 'start',
  PROGRESS: 'progress',
  TOOL_USE: 'tool_use',
  COMPLETION: 'completion',
  STREAM_END: 'stream_end',
  ERROR: 'error',
  LOG: 'log',
  QUESTION: 'question',
  QUESTION_ASK: 'question_ask',
  WARNING: 'warning',
  INFORMATION: 'information',
  TOKEN_USAGE: 'token_usage',
})

interface JobEventOf<Type extends string> {
  readonly type: Type
  /** The execution's id. */
  readonly jobId: string
  /** ISO 8601, UTC. */
  readonly timestamp: string
  /** Human-readable text. */
  readonly message?: string
  /**
   * Usage of the whole job so far, including every attempt: the last reported value is the total. dagstream reports it in
   * `token_usage`.
   */
  readonly tokenUsage?: TokenUsage
}

/** Fields of an event that belongs to a task. */
interface OfTask {
  readonly taskId?: string
  /** From 1. */
  readonly attempt?: number
}

/** The job starts. */
export interface StartEvent extends JobEventOf<'start'> {
  readonly totalTasks?: number
}
/** A task reports progress, streams or ends. */
export interface ProgressEvent extends JobEventOf<'progress'>, OfTask {
  readonly progress?: number
  readonly total?: number
  /** A token of a model's output. */
  readonly token?: string
  readonly metrics?: {
    readonly ttftMs: number
    readonly totalMs: number
    readonly tokenCount: number
    readonly tokensPerSec: number
  }
  /** Status of the ended task, or of the job. */
  readonly status?: string
  readonly tool?: string
  /** Output of a successful task; one over 64 KiB is replaced by its size, preview and path, as in dagstream's own events. */
  readonly output?: unknown
  readonly outputBytes?: number
  readonly outputPreview?: string
  readonly outputPath?: string
  /** Error code of a task that did not succeed. */
  readonly code?: string
}
/** A tool is called. */
export interface ToolUseEvent extends JobEventOf<'tool_use'>, OfTask {
  readonly tool?: string
}
/** The job has ended, with complete or partial results; `stream_end` follows. */
export interface CompletionEvent extends JobEventOf<'completion'> {
  readonly status?: string
  readonly totalTasks?: number
  readonly successCount?: number
  readonly errorCount?: number
  readonly skippedCount?: number
  readonly cancelledCount?: number
  readonly totalExecutionTimeMs?: number
}
/** Nothing follows. */
export interface StreamEndEvent extends JobEventOf<'stream_end'> {}
/** The job failed; `stream_end` follows. */
export interface ErrorEvent extends JobEventOf<'error'>, OfTask {
  readonly code?: string
}
/** A log line. */
export interface LogEvent extends JobEventOf<'log'>, OfTask {}
/** A question to the user; dagstream never sends it. */
export interface QuestionEvent extends JobEventOf<'question'> {}
/** A question that waits for its answer. */
export interface QuestionAskEvent extends JobEventOf<'question_ask'>, OfTask {
  readonly inputId?: string
}
/** A problem that does not end the job. */
export interface WarningEvent extends JobEventOf<'warning'>, OfTask {
  readonly code?: string
  /** Delay until the task is retried, ms; its streamed content is void. */
  readonly delayMs?: number
}
/** A message for the user. */
export interface InformationEvent extends JobEventOf<'information'>, OfTask {
  /** Of a question that was closed. */
  readonly inputId?: string
}
/** Token usage: `tokenUsage` of the whole job so far, `taskTokenUsage` of the attempt. */
export interface TokenUsageEvent extends JobEventOf<'token_usage'>, OfTask {
  readonly taskTokenUsage?: TokenUsage
}

/** An event of the flat vocabulary; `message` and `tokenUsage` are readable on every member. */
export type SSEEvent =
  | StartEvent
  | ProgressEvent
  | ToolUseEvent
  | CompletionEvent
  | StreamEndEvent
  | ErrorEvent
  | LogEvent
  | QuestionEvent
  | QuestionAskEvent
  | WarningEvent
  | InformationEvent
  | TokenUsageEvent

/** The name of an event's type. */
export type SSEEventType = SSEEvent['type']
