import type { EventFor, InputOutcome, InputQuestion, MetricsEvent } from '../../events/events.ts'
import type { TokenUsage } from '../../events/token-usage.ts'
import type { ProtocolOptions } from '../options.ts'
import type { DagView, TaskView } from '../views.ts'

/** What `message.metadata` accumulates. */
export interface UIMessageMetadata {
  readonly executionId?: string
  readonly tokenUsage?: TokenUsage
  /** By task. */
  readonly metrics?: Readonly<Record<string, Omit<MetricsEvent['data'], 'executionId' | 'timestamp' | 'taskId'>>>
  readonly status?: string
  /** The output of the workflow; one over 64 KiB is replaced by its size, preview and path. */
  readonly output?: unknown
  readonly outputBytes?: number
  readonly outputPreview?: string
  readonly outputPath?: string
}

/** The progress of a task. */
export type TaskProgressView = Pick<
  EventFor<'task_progress'>['data'],
  'taskId' | 'attempt' | 'progress' | 'total' | 'message'
>

/** A log line: of a task, or of the execution. */
export type LineView = Pick<EventFor<'info'>['data'], 'taskId' | 'attempt' | 'level' | 'message'>

/** Progress or a log line. */
export type ProgressView = TaskProgressView | LineView

/** A question, and how it ended. */
export interface QuestionView extends InputQuestion {
  readonly outcome?: InputOutcome
}

interface OfTool {
  /** The id of the task. */
  readonly toolCallId: string
  readonly dynamic: true
  readonly providerExecuted: true
}

/** A part of the UI message stream, version 1: what a `data:` line holds. */
export type UIMessagePart =
  | { readonly type: 'start'; readonly messageId: string; readonly messageMetadata: UIMessageMetadata }
  | { readonly type: 'start-step' }
  | { readonly type: 'finish-step' }
  | {
      readonly type: 'finish'
      readonly finishReason: 'stop' | 'error' | 'other'
      readonly messageMetadata: UIMessageMetadata
    }
  | { readonly type: 'abort'; readonly reason?: string }
  | { readonly type: 'error'; readonly errorText: string }
  | {
      readonly type: 'text-start'
      /** `taskId#attempt`. */
      readonly id: string
      readonly providerMetadata: { readonly dagstream: { readonly textId: string } }
    }
  | { readonly type: 'text-delta'; readonly id: string; readonly delta: string }
  | { readonly type: 'text-end'; readonly id: string }
  | (OfTool & { readonly type: 'tool-input-available'; readonly toolName: string; readonly input: unknown })
  | (OfTool & { readonly type: 'tool-output-available'; readonly output: unknown })
  | (OfTool & { readonly type: 'tool-output-error'; readonly errorText: string })
  | { readonly type: 'tool-output-denied'; readonly toolCallId: string }
  | {
      readonly type: 'tool-approval-request'
      readonly approvalId: string
      readonly toolCallId: string
      readonly reason: string
    }
  | { readonly type: 'message-metadata'; readonly messageMetadata: UIMessageMetadata }
  | { readonly type: 'data-dag'; readonly id: string; readonly data: DagView }
  | { readonly type: 'data-task'; readonly id: string; readonly data: TaskView }
  | { readonly type: 'data-question'; readonly id: string; readonly data: QuestionView }
  | { readonly type: 'data-progress'; readonly data: ProgressView; readonly transient: true }
  | {
      readonly type: 'data-token'
      readonly data: { readonly taskId: string; readonly attempt: number; readonly text: string }
      readonly transient: true
    }

/** The major version of the package `ai` that reads the stream. */
export type AiSdkVersion = 5 | 6 | 7

/** Options of `toUIMessageParts`. */
export interface UIMessageOptions extends ProtocolOptions {
  /** Version of the reader: version 5 ends at the part of an approval, and gets a question. @defaultValue 7 */
  readonly version?: AiSdkVersion | undefined
}
