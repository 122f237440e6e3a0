import type { TokenUsage } from '../events/token-usage.ts'

/** The names of the types, so that no caller spells one out. */
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
  /** For people. */
  readonly message?: string
  /** Of the whole job so far, every attempt counted: the last one told is the total. dagstream tells it in `token_usage`. */
  readonly tokenUsage?: TokenUsage
}

/** Where an event comes from a task. */
interface OfTask {
  readonly taskId?: string
  /** From 1. */
  readonly attempt?: number
}

/** The job begins. */
export interface StartEvent extends JobEventOf<'start'> {
  readonly totalTasks?: number
}
/** Something goes on: a task reports, streams or ends. */
export interface ProgressEvent extends JobEventOf<'progress'>, OfTask {
  readonly progress?: number
  readonly total?: number
  /** A piece of what a model writes. */
  readonly token?: string
  readonly metrics?: {
    readonly ttftMs: number
    readonly totalMs: number
    readonly tokenCount: number
    readonly tokensPerSec: number
  }
  /** How the task ended, or how the job stands. */
  readonly status?: string
  readonly tool?: string
  /** Of a task that succeeded; one over 64 KiB is told by its size, preview and path, as in dagstream's own events. */
  readonly output?: unknown
  readonly outputBytes?: number
  readonly outputPreview?: string
  readonly outputPath?: string
  /** Of a task that did not succeed. */
  readonly code?: string
}
/** A tool is called. */
export interface ToolUseEvent extends JobEventOf<'tool_use'>, OfTask {
  readonly tool?: string
}
/** The job has ended, with whatever it has; `stream_end` follows. */
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
/** The job could not do its work; `stream_end` follows. */
export interface ErrorEvent extends JobEventOf<'error'>, OfTask {
  readonly code?: string
}
/** A line for those who look closely. */
export interface LogEvent extends JobEventOf<'log'>, OfTask {}
/** A question to the user; dagstream asks none. */
export interface QuestionEvent extends JobEventOf<'question'> {}
/** A question that waits for its answer; dagstream asks none. */
export interface QuestionAskEvent extends JobEventOf<'question_ask'> {}
/** Something is wrong, and the job goes on. */
export interface WarningEvent extends JobEventOf<'warning'>, OfTask {
  readonly code?: string
  /** When the task is tried again, ms; what it streamed is void. */
  readonly delayMs?: number
}
/** A word for the user. */
export interface InformationEvent extends JobEventOf<'information'>, OfTask {}
/** Tokens were used: `tokenUsage` of the whole job so far, `taskTokenUsage` of the attempt. */
export interface TokenUsageEvent extends JobEventOf<'token_usage'>, OfTask {
  readonly taskTokenUsage?: TokenUsage
}

/** What the flat vocabulary says; `message` and `tokenUsage` can be read on every member. */
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
