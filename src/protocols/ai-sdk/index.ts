/** `dagstream/ai-sdk`: the events of an execution as the UI message stream of the AI SDK, version 1. */
export { toUIMessageParts } from './to-ui-message-parts.ts'
export type {
  AiSdkVersion,
  ProgressView,
  QuestionView,
  UIMessageMetadata,
  UIMessageOptions,
  UIMessagePart,
} from './ui-message-part.ts'
export { findOutputTask } from '../answer-task.ts'
export { MAX_SHOWN_TASKS } from '../shown-tasks.ts'
export type { ProtocolOptions } from '../options.ts'
export type { ProtocolEvent } from '../protocol-encoder.ts'
export type { DagView, TaskView } from '../views.ts'
