export type { Clock } from './clock.ts'
export { DagstreamError, type DagstreamErrorCode } from './errors.ts'
export { connectExecution } from './events/connect-execution.ts'
export * from './events/events.ts'
export { applyEvent, createState, type ExecutionState, type TaskState } from './events/state.ts'
export type { JsonValue } from './events/json-value.ts'
export type { LogEntry } from './events/log-entry.ts'
export { SSEStreamer, type SSEStreamerOptions, sseStreamer } from './events/sse-streamer.ts'
export type {
  StreamEvent,
  StreamEventFor,
  StreamEventInput,
  StreamEventType,
  StreamListener,
  StreamMetrics,
} from './events/stream-event.ts'
export type { StreamLogger } from './events/stream-hub.ts'
export type { TokenUsage } from './events/token-usage.ts'
export type { ExecutorCounters } from './execute/counters.ts'
export type { Execution } from './execute/execution.ts'
export type { ExecutionResult, TaskError } from './execute/execution-result.ts'
export type { ExecutionOptions } from './execute/options.ts'
export { type ExecuteOptions, ParallelExecutor } from './execute/parallel-executor.ts'
export type { Delivery } from './execute/sink-reader.ts'
export {
  type SinkOptions,
  type StreamedExecutionResult,
  StreamingExecutor,
  type StreamOptions,
} from './execute/streaming-executor.ts'
export { JsonNumber } from './json/json-number.ts'
export { parseJson } from './json/parse-json.ts'
export { stringifyJson } from './json/stringify-json.ts'
export { handleSSERequest, handleWorkflowRequest, type WorkflowRequestOptions } from './http/workflow-request.ts'
export { compileWorkflow, type ValidationResult, validateWorkflow } from './plan/compile.ts'
export type { ExecutionPlan, PlannedTask } from './plan/execution-plan.ts'
export type { ExecutionRecord, ExecutionStore, StoredExecution } from './store/execution-store.ts'
export type { ExecutionSummary } from './store/execution-summary.ts'
export type { Format } from './sse/formats.ts'
export { createMemoryStore } from './store/memory-store.ts'
export type { MemoryStoreOptions } from './store/memory-store-options.ts'
export { BufferedEventStream } from './stream/buffered-event-stream.ts'
export type { TailBounds } from './stream/entry-tail.ts'
export type { EntrySource } from './stream/entry-source.ts'
export { EventLog, type Lease, type LogStorage, type StoredEntry } from './stream/event-log.ts'
export type { Logger } from './stream/logger.ts'
export type { BufferOptions } from './stream/reader-bound.ts'
export { createLimit, type Limit } from './tools/limit.ts'
export {
  type AnyTool,
  type NamelessTool,
  type RegisteredTool,
  type ToolFunction,
  ToolRegistry,
  type ToolSource,
} from './tools/registry.ts'
export type { ToolProvider } from './tools/tool-provider.ts'
export { defineTool, type JsonSchema, type Tool, type ToolContext } from './tools/tool.ts'
export * from './workflow/document.ts'
export { workflowSchema } from './workflow/schema.ts'
