import { DagstreamError } from '../../errors.ts'
import { toDoubles } from '../../json/replace-numbers.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import type { JsonSchema } from '../../tools/tool.ts'

/** The result of a tool as MCP has it. */
export interface ToolResult {
  readonly content: { readonly type: 'text'; readonly text: string }[]
  readonly structuredContent?: Record<string, unknown>
  readonly isError?: true
  readonly [name: string]: unknown
}

/** Why a call failed. */
export interface ToolFault {
  readonly code: string
  readonly message: string
  readonly issues?: readonly unknown[]
  readonly issueCount?: number
  /** The log has the cause under it. */
  readonly reference?: string
}

/**
 * A result with the fields of `outputSchema`. The text holds the same JSON, for hosts that read only texts; it keeps the digits of
 * numbers beyond 2^53, which the structure has as the nearest double.
 */
export function showResult(fields: Readonly<Record<string, unknown>>, isError = false): ToolResult {
  return {
    content: [{ type: 'text', text: stringifyJson(fields) }],
    structuredContent: toDoubles(fields) as Record<string, unknown>,
    ...(isError && { isError }),
  }
}

/** A result of a call that concerns no execution: it has no structure, since one would lack what `outputSchema` requires. */
export function showFault(fault: ToolFault): ToolResult {
  return { content: [{ type: 'text', text: stringifyJson(fault) }], isError: true }
}

/** Codes of errors whose message is for the caller. */
const TOLD: ReadonlySet<string> = new Set([
  'INVALID_WORKFLOW',
  'INVALID_RESPONSE',
  'INVALID_OPTION',
  'EXECUTION_NOT_FOUND',
  'INPUT_NOT_FOUND',
  'INPUT_CLOSED',
  'INTERRUPTED',
  'RECORD_UNUSABLE',
  'TOO_MANY_EXECUTIONS',
  'SHUTTING_DOWN',
])

/** The fault that the caller may know; `undefined` for an error that only the log may have. */
export function findFault(error: unknown): ToolFault | undefined {
  if (!(error instanceof DagstreamError)) return undefined
  const { code, message, details } = error
  if (code === 'TOOLS_UNAVAILABLE') return { code, message: 'Tools of the workflow are not available now' }
  if (!TOLD.has(code)) return undefined
  const { issues, issueCount } = details
  if (!Array.isArray(issues)) return { code, message }
  return { code, message, issues, issueCount: typeof issueCount === 'number' ? issueCount : issues.length }
}

const FAULT_SCHEMA = {
  type: 'object',
  properties: {
    code: { type: 'string' },
    message: { type: 'string' },
    issues: { type: 'array', items: { type: 'object' } },
    issueCount: { type: 'integer' },
    reference: { type: 'string' },
  },
  required: ['code', 'message'],
}

const INPUT_SCHEMA = {
  type: 'object',
  properties: {
    inputId: { type: 'string' },
    taskId: { type: 'string' },
    message: { type: 'string' },
    responseSchema: { type: 'object', description: 'JSON Schema of the answer; absent: any JSON' },
    expiresAt: { type: 'string' },
    kind: { enum: ['question', 'approval'], description: 'An approval is answered by true or false' },
  },
  required: ['inputId', 'message', 'kind'],
}

/** The schema of results that are about one execution. */
export const EXECUTION_SCHEMA: JsonSchema = {
  type: 'object',
  properties: {
    executionId: { type: 'string', description: 'For get_execution, answer_input and cancel_execution' },
    status: {
      enum: ['running', 'parked', 'success', 'partial', 'error', 'cancelled'],
      description: 'partial: some tasks failed',
    },
    output: { description: 'Of an execution that has ended' },
    outputBytes: { type: 'integer', description: 'Instead of an output over 1 MiB' },
    outputPreview: { type: 'string', description: 'Its first characters' },
    errors: { type: 'array', description: 'Tasks that failed, the first 20', items: { type: 'object' } },
    reason: { type: 'object', description: 'Why it was stopped' },
    inputs: { type: 'array', description: 'Open questions: answer_input answers them', items: INPUT_SCHEMA },
    error: { ...FAULT_SCHEMA, description: 'Why this call failed' },
  },
  required: ['executionId', 'status'],
}
