import type { ProtocolOptions } from '../options.ts'

/** Options of `toAgUiEvents`. */
export interface AgUiOptions extends ProtocolOptions {
  /** @defaultValue the id of the execution */
  readonly threadId?: string | undefined
  /** @defaultValue the id of the execution */
  readonly runId?: string | undefined
}

/** Tokens of a run. Whole numbers. */
export interface AgUiUsage {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cachedInputTokens?: number
  readonly cacheWriteInputTokens?: number
}

/** A change of an activity: RFC 6902. */
export interface AgUiPatch {
  readonly op: 'add'
  readonly path: string
  readonly value: unknown
}

/** An open question of an interrupted run. */
export interface AgUiInterrupt {
  /** `<executionId>.<inputId>`. */
  readonly id: string
  readonly reason: 'confirmation' | 'input_required'
  readonly message: string
  readonly responseSchema?: Readonly<Record<string, unknown>>
  readonly expiresAt?: string
  readonly toolCallId?: string
  readonly metadata: Readonly<Record<string, unknown>>
}

/** How a run ended that did not fail. */
export type AgUiOutcome =
  | { readonly type: 'success' }
  | { readonly type: 'cancelled' }
  | { readonly type: 'interrupt'; readonly interrupts: readonly AgUiInterrupt[] }

/** A message of a thread. */
export type AgUiMessage =
  | {
      readonly id: string
      readonly role: 'assistant'
      readonly content?: string
      readonly toolCalls?: readonly {
        readonly id: string
        readonly type: 'function'
        readonly function: { readonly name: string; readonly arguments: string }
      }[]
    }
  | { readonly id: string; readonly role: 'tool'; readonly toolCallId: string; readonly content: string }
  /** A message of the client, as it was. */
  | { readonly id: string; readonly role: string; readonly [field: string]: unknown }

interface OfRun {
  readonly threadId: string
  readonly runId: string
}

interface OfActivity {
  readonly messageId: string
  readonly activityType: 'dagstream'
}

/** An event of AG-UI 1.0: what a `data:` line holds. */
export type AgUiEvent =
  | (OfRun & {
      readonly type: 'RUN_STARTED'
      readonly protocolVersion: string
      readonly metadata: { readonly executionId: string }
    })
  | (OfRun & {
      readonly type: 'RUN_FINISHED'
      readonly outcome: AgUiOutcome
      readonly result?: unknown
      readonly usage?: readonly AgUiUsage[]
    })
  | {
      readonly type: 'RUN_ERROR'
      readonly message: string
      readonly code: string
      readonly usage?: readonly AgUiUsage[]
    }
  | { readonly type: 'STEP_STARTED' | 'STEP_FINISHED'; readonly stepName: string }
  | {
      readonly type: 'TOOL_CALL_START'
      readonly toolCallId: string
      readonly toolCallName: string
      readonly parentMessageId: string
    }
  | { readonly type: 'TOOL_CALL_ARGS'; readonly toolCallId: string; readonly delta: string }
  | { readonly type: 'TOOL_CALL_END'; readonly toolCallId: string }
  | {
      readonly type: 'TOOL_CALL_RESULT'
      readonly messageId: string
      readonly toolCallId: string
      readonly content: string
      readonly role: 'tool'
    }
  | { readonly type: 'TEXT_MESSAGE_START'; readonly messageId: string; readonly role: 'assistant' }
  | { readonly type: 'TEXT_MESSAGE_CONTENT'; readonly messageId: string; readonly delta: string }
  | { readonly type: 'TEXT_MESSAGE_END'; readonly messageId: string }
  | (OfActivity & {
      readonly type: 'ACTIVITY_SNAPSHOT'
      readonly content: Readonly<Record<string, unknown>>
      readonly replace: true
    })
  | (OfActivity & { readonly type: 'ACTIVITY_DELTA'; readonly patch: readonly AgUiPatch[] })
  | { readonly type: 'MESSAGES_SNAPSHOT'; readonly messages: readonly AgUiMessage[] }
  | {
      readonly type: 'CUSTOM'
      /** A piece of the text of another task than the answer's. */
      readonly name: 'token'
      readonly value: { readonly taskId: string; readonly attempt: number; readonly text: string }
    }
