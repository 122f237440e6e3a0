// The public entry of `dagstream/http`; nothing inside imports it.
export { createHandler, type Handler } from './create-handler.ts'
export type { HandlerOptions } from './options/handler-options.ts'
export type { DisconnectRule } from '../host/execution/disconnect-policy.ts'
export type {
  EntryObserver,
  ExecutionObserver,
  ExecutionTrace,
  ObservedExecution,
  ObservedOutcome,
  ObservedTrace,
} from '../engine/observers/execution-observer.ts'
export type { Access, AccessContext, Action, Authorize } from './security/authorize.ts'
export { handleSSERequest, handleWorkflowRequest, type WorkflowRequestOptions } from './workflow-request.ts'
export type { ToolProvider } from '../tools/tool-resolver.ts'
export type { Format } from '../sse/formats.ts'
