/** A JSON Schema (2020-12), or a part of an OpenAPI document. */
export type Json = Readonly<Record<string, unknown>>

/** The names of the schemas of requests and responses. */
export type SchemaName =
  | 'Workflow'
  | 'WorkflowRequest'
  | 'NamedRequest'
  | 'ForkRequest'
  | 'ValidationRequest'
  | 'ExecutionOptions'
  | 'ExecutionStatus'
  | 'Execution'
  | 'Parked'
  | 'ForkedFrom'
  | 'RecordedRequest'
  | 'ExecutionPage'
  | 'ListedExecution'
  | 'InputPage'
  | 'Input'
  | 'InputAnswer'
  | 'ExecutionResult'
  | 'TaskResult'
  | 'Reason'
  | 'TokenUsage'
  | 'ValidationResult'
  | 'Forecast'
  | 'ToolForecast'
  | 'WorkflowIssue'
  | 'WorkflowList'
  | 'ToolList'
  | 'WorkerList'
  | 'Health'
  | 'Problem'
  | 'EventStream'
  | 'TaskDetails'
  | 'ExecutionGraph'
  | 'ReadTokenRequest'
  | 'ReadToken'

/** A reference to one of `schemas`. */
export function refer(name: SchemaName): Json {
  return { $ref: `#/components/schemas/${name}` }
}

/** Any text. */
export const text: Json = { type: 'string' }
/** A duration. */
export const ms: Json = { type: 'number', minimum: 0, description: 'Milliseconds.' }
/** A number of things. */
export const count: Json = { type: 'integer', minimum: 0 }
/** The id of an execution. */
export const executionId: Json = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,128}$' }
/** A time. */
export const timestamp: Json = { type: 'string', format: 'date-time' }
/** An object of a response. Later versions may add fields: unknown ones are allowed. */
export function object(properties: Json, optional: readonly string[] = []): Json {
  const required = Object.keys(properties).filter(name => !optional.includes(name))
  return { type: 'object', required, properties }
}

/** An object of a request, in which unknown fields are refused. */
export function request(properties: Json, required: readonly string[] = []): Json {
  return { type: 'object', required, properties, additionalProperties: false }
}

/** The counts of an execution. */
export const counts: Readonly<Record<string, Json>> = {
  totalTasks: count,
  successCount: count,
  errorCount: count,
  skippedCount: count,
  cancelledCount: count,
  toleratedCount: {
    ...count,
    description: 'Number of tolerated failures in `errorCount`; absent for a workflow that tolerates none.',
  },
}
