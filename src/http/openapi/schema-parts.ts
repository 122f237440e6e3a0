/** A JSON Schema (2020-12), or a part of an OpenAPI document. */
export type Json = Readonly<Record<string, unknown>>

/** What the routes take and give. */
export type SchemaName =
  | 'Workflow'
  | 'WorkflowRequest'
  | 'ValidationRequest'
  | 'ExecutionOptions'
  | 'ExecutionStatus'
  | 'Execution'
  | 'Parked'
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
  | 'WorkflowIssue'
  | 'ToolList'
  | 'Health'
  | 'Problem'
  | 'EventStream'

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
/** Later versions may add fields: the schemas describe the fields of today and allow others. */
export function object(properties: Json, optional: readonly string[] = []): Json {
  const required = Object.keys(properties).filter(name => !optional.includes(name))
  return { type: 'object', required, properties }
}

/** The same for what a client sends, where an unknown field is refused. */
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
    description: 'Those of `errorCount` whose failure was tolerated; absent for a workflow that tolerates none.',
  },
}
