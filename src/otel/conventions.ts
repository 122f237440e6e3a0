/**
 * The names of spans and attributes. Those of `gen_ai` are of version 0.1.0 of OpenTelemetry's semantic conventions for generative AI, whose
 * status is "development": a later version may rename them, and then this file alone changes.
 */
export const CONVENTIONS_URL = 'https://opentelemetry.io/schemas/gen-ai/0.1.0'

/** Values of `gen_ai.operation.name`; a span's name begins with it. */
export const OPERATION = { workflow: 'invoke_workflow', tool: 'execute_tool', chat: 'chat' } as const

/** Names of attributes. */
export const ATTRIBUTE = {
  operation: 'gen_ai.operation.name',
  workflowName: 'gen_ai.agent.name',
  toolName: 'gen_ai.tool.name',
  model: 'gen_ai.response.model',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cacheReadTokens: 'gen_ai.usage.cache_read.input_tokens',
  cacheWriteTokens: 'gen_ai.usage.cache_creation.input_tokens',
  errorType: 'error.type',
  cost: 'dagstream.usage.cost',
  executionId: 'dagstream.execution.id',
  /** How its observation ended: a status, or `parked`, `handed_off` or `lost`. */
  outcome: 'dagstream.execution.outcome',
  taskId: 'dagstream.task.id',
  attempt: 'dagstream.task.attempt',
  itemCount: 'dagstream.task.items',
  droppedSpans: 'dagstream.spans.dropped',
  /** Of a link: `dependency`, or `resumes` for the trace of the process before. */
  linkKind: 'dagstream.link',
} as const
