import type { JsonSchema } from '../../tools/tool.ts'
import { EXECUTION_SCHEMA } from './tool-result.ts'

/** A tool as `tools/list` shows it. */
export interface ToolDefinition {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly inputSchema: JsonSchema
  readonly outputSchema: JsonSchema
  readonly annotations?: {
    readonly readOnlyHint?: boolean
    readonly destructiveHint?: boolean
    readonly idempotentHint?: boolean
  }
}

/** The name of a tool beside those of registered workflows. */
export type ToolName =
  | 'list_tools'
  | 'validate_workflow'
  | 'run_workflow'
  | 'get_execution'
  | 'answer_input'
  | 'cancel_execution'

/** The longest time that a call waits, ms: hosts give up after 60 s. */
export const MAX_WAIT_MS = 50_000

const WORKFLOW = {
  type: 'object',
  description:
    'A document: {"tasks": [{"id": "a", "tool": "NAME", "arguments": {}, "dependsOn": ["ID"]}], "output": VALUE}. Strings may ' +
    'hold references: "$OUTPUT[a].field" is the output of task a, "$INPUT.field" the input.',
}
const INPUT = { description: 'The value of $INPUT' }
const EXECUTION_ID = { type: 'string', minLength: 1, description: 'As a call that started it answered' }
const WAIT = {
  type: 'integer',
  minimum: 0,
  maximum: MAX_WAIT_MS,
  description: 'How long to wait for the end, ms (default 0)',
}

const object = (properties: Readonly<Record<string, unknown>>, ...required: readonly string[]): JsonSchema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})

/** The tools beside those of registered workflows. */
export const TOOL_DEFINITIONS: readonly (ToolDefinition & { readonly name: ToolName })[] = [
  {
    name: 'list_tools',
    title: 'List tools',
    description: 'Lists the tools that tasks of a workflow can name, with the schemas of their arguments.',
    inputSchema: object({}),
    outputSchema: object({ tools: { type: 'array', items: { type: 'object' } } }, 'tools'),
    annotations: { readOnlyHint: true },
  },
  {
    name: 'validate_workflow',
    title: 'Validate a workflow',
    description: 'Checks a workflow, and an input if one is given, and lists every problem. Runs nothing.',
    inputSchema: object({ workflow: WORKFLOW, input: INPUT }, 'workflow'),
    outputSchema: object(
      {
        valid: { type: 'boolean' },
        issues: { type: 'array', items: { type: 'object' } },
        issueCount: { type: 'integer' },
      },
      'valid',
      'issues',
      'issueCount',
    ),
    annotations: { readOnlyHint: true },
  },
  {
    name: 'run_workflow',
    title: 'Run a workflow',
    description:
      'Runs a workflow: tasks in parallel, each once those that it depends on have succeeded. Answers at its end; after 50 s, ' +
      'or when only people are waited for, with status "running" and the executionId.',
    inputSchema: object({ workflow: WORKFLOW, input: INPUT }, 'workflow'),
    outputSchema: EXECUTION_SCHEMA,
  },
  {
    name: 'get_execution',
    title: 'Get an execution',
    description: 'The status of an execution, with its output once it has ended.',
    inputSchema: object({ executionId: EXECUTION_ID, waitMs: WAIT }, 'executionId'),
    outputSchema: EXECUTION_SCHEMA,
    annotations: { readOnlyHint: true },
  },
  {
    name: 'answer_input',
    title: 'Answer a question',
    description: 'Answers an open question of an execution with `response`, or declines it. The first answer counts.',
    inputSchema: object(
      {
        executionId: EXECUTION_ID,
        inputId: { type: 'string', minLength: 1, description: 'Of the question, in `inputs`' },
        response: { description: 'Fits the `responseSchema` of the question; of an approval true or false' },
        decline: { const: true, description: 'In place of a response' },
        waitMs: WAIT,
      },
      'executionId',
      'inputId',
    ),
    outputSchema: EXECUTION_SCHEMA,
  },
  {
    name: 'cancel_execution',
    title: 'Cancel an execution',
    description: 'Cancels an execution; its `finally` tasks run. A second call ends those, too.',
    inputSchema: object({ executionId: EXECUTION_ID }, 'executionId'),
    outputSchema: EXECUTION_SCHEMA,
    annotations: { destructiveHint: true },
  },
]
