/** `dagstream/client`: a server's executions, from Node, Bun, Deno, workers and browsers. Imports no Node modules. */
export type { CancelOptions } from './cancel-options.ts'
export { isRetryable } from './classify-error.ts'
export {
  type Client,
  type ClientOptions,
  createClient,
  type RemoteExecuteOptions,
  type RemoteForkOptions,
  type RemoteOptions,
  type SubscribeOptions,
} from './create-client.ts'
export type { RemotePlanOptions } from './stream-plan.ts'
export type { PlanChunk, PlanSource } from '../engine/growth/plan-lines.ts'
export type { ClientEvent } from './execution-api.ts'
export { ConnectionLostError, HttpError } from './failures.ts'
export { StreamReconnectionManager } from './reconnection.ts'
export type { ReconnectionOptions, Reconnect, Reset } from './reconnection-options.ts'
export type { RemoteExecution } from './remote-execution.ts'
export { type OpenSource } from './connection.ts'
export type { Fetch, HeadersSource } from './transport.ts'
// Types that appear in the client's API, so that it needs no other entry point.
export { DagstreamError, type DagstreamErrorCode } from '../errors.ts'
export * from '../events/events.ts'
export { createState, type ExecutionState, type TaskState } from '../events/execution-state.ts'
export { applyEvent } from '../events/state.ts'
export type { ExecutionResult, TaskError } from '../engine/execution-result.ts'
export type { DocumentTaskResult } from '../engine/task-results.ts'
export { JsonNumber } from '../json/json-number.ts'
export { parseJson } from '../json/parse-json.ts'
export { stringifyJson } from '../json/stringify-json.ts'
export type { DAGStructure, DAGTask } from '../workflow/document.ts'
