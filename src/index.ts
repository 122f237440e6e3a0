export type { Clock } from './clock.ts'
export { DagstreamError, type DagstreamErrorCode } from './errors.ts'
export type { AttemptOutcome, AttemptReport, TokenMetrics, ToolFailure } from './attempt/attempt-outcome.ts'
export { LocalRunner, type LocalRunnerOptions } from './attempt/local-runner.ts'
export type {
  AbortReason,
  Answer,
  AttemptCommand,
  AttemptKey,
  AttemptRunner,
  AttemptSink,
  Progress,
  Question,
} from './attempt/runner.ts'
export { connectExecution } from './streamer/connect-execution.ts'
export * from './events/events.ts'
export { createState, type ExecutionState, type TaskState } from './events/execution-state.ts'
export { applyEvent } from './events/state.ts'
export { JsonValue } from './events/json-value.ts'
export type { LogEntry } from './events/log-entry.ts'
export { SSEStreamer, type SSEStreamerOptions, sseStreamer } from './streamer/sse-streamer.ts'
export type {
  StreamEvent,
  StreamEventFor,
  StreamEventInput,
  StreamEventType,
  StreamListener,
  StreamMetrics,
} from './streamer/stream-event.ts'
export type { StreamLogger } from './streamer/stream-hub.ts'
export type { TokenUsage } from './events/token-usage.ts'
export type { ExecutorCounters } from './engine/counters.ts'
export type { Execution } from './engine/executors/execution.ts'
export type { ExecutionResult, TaskError } from './engine/execution-result.ts'
export type { DocumentTaskResult } from './engine/task-results.ts'
export type { ExecutionOptions } from './engine/options.ts'
export type { PlanChunk, PlanSource } from './engine/growth/plan-lines.ts'
export type { PlanPatch } from './engine/growth/patch-shape.ts'
export type { PlanOptions } from './engine/growth/plan-options.ts'
export {
  type ExecuteOptions,
  type ForkOptions,
  ParallelExecutor,
  type ResumeOptions,
} from './engine/executors/parallel-executor.ts'
export type { Delivery } from './engine/executors/sink-reader.ts'
export {
  type SinkOptions,
  type StreamedExecutionResult,
  StreamingExecutor,
  type StreamOptions,
  type StreamPlanOptions,
} from './engine/executors/streaming-executor.ts'
export { JsonNumber } from './json/json-number.ts'
export { parseJson } from './json/parse-json.ts'
export { stringifyJson } from './json/stringify-json.ts'
export { handleSSERequest, handleWorkflowRequest, type WorkflowRequestOptions } from './http/workflow-request.ts'
export { type CompileOptions, compileWorkflow, type ValidationResult, validateWorkflow } from './plan/compile.ts'
export type { ExecutionPlan, PlannedTask } from './plan/execution-plan.ts'
export { WorkflowRegistry, type WorkflowSource } from './plan/workflow-registry.ts'
export type { ExecutionRecord, ExecutionStore, SecretStore, StoredExecution } from './store/execution-store.ts'
export type { ExecutionSummary } from './store/execution-summary.ts'
export { advanceExecution } from './store/advance-execution.ts'
export type { Format } from './sse/formats.ts'
export { createMemoryStore } from './store/memory-store.ts'
export type { MemoryStoreOptions } from './store/memory-store-options.ts'
export { BufferedEventStream } from './log/buffered-event-stream.ts'
export type { TailBounds } from './log/entry-tail.ts'
export type { EntrySource } from './log/entry-source.ts'
export { EventLog, type Lease, type LogStorage } from './log/event-log.ts'
export type { StoredEntry } from './log/stored-entry.ts'
export type { Logger } from './log/logger.ts'
export type { BufferOptions } from './log/reader-bound.ts'
export type { InputState } from './events/inputs.ts'
export { humanAskTool } from './tools/human-ask.ts'
export type { ResponseIssue } from './tools/question.ts'
export { createLimit, type Limit } from './tools/limit.ts'
export {
  type AnyTool,
  type NamelessTool,
  type RegisteredTool,
  type ToolFunction,
  ToolRegistry,
  type ToolSource,
} from './tools/registry.ts'
export type { ToolProvider } from './tools/tool-resolver.ts'
export { defineTool, type JsonSchema, type QuestionOptions, type Tool, type ToolContext } from './tools/tool.ts'
export * from './workflow/document.ts'
export { workflowSchema } from './workflow/schema.ts'
