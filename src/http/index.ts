// The public entry of `dagstream/http`; nothing inside imports it.
export { handleSSERequest, handleWorkflowRequest, type WorkflowRequestOptions } from './workflow-request.ts'
export type { Format } from '../sse/formats.ts'
