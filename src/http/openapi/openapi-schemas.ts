import { SSE_EVENTS } from '../../events/events.ts'
import { LIMITS } from '../../workflow/document.ts'
import { embedWorkflow } from './embed-workflow.ts'
import { inputSchemas } from './input-schemas.ts'
import {
  count,
  counts,
  executionId,
  type Json,
  ms,
  object,
  refer,
  request,
  type SchemaName,
  text,
  timestamp,
} from './schema-parts.ts'

const ended: readonly string[] = ['success', 'partial', 'error', 'cancelled']

const shownStatus: Json = {
  enum: ['running', 'parked', ...ended],
  description: '`parked`: not ended, and it does not resume by itself any more; it can be resumed by hand.',
}

/** What the routes take and give, by name. */
export const schemas: Readonly<Record<SchemaName, Json>> = {
  Workflow: embedWorkflow(refer('Workflow')),
  WorkflowRequest: {
    description: 'A workflow by itself, or beside its input and options.',
    oneOf: [
      refer('Workflow'),
      request(
        {
          workflow: refer('Workflow'),
          input: { description: 'What `$INPUT` refers to: any JSON.' },
          options: refer('ExecutionOptions'),
        },
        ['workflow'],
      ),
    ],
  },
  ValidationRequest: {
    description: 'A workflow by itself, or beside the input against which its references are checked.',
    oneOf: [refer('Workflow'), request({ workflow: refer('Workflow'), input: {} }, ['workflow'])],
  },
  ExecutionOptions: {
    ...request({
      schedule: { enum: ['layers', 'dataflow'] },
      onTaskError: { enum: ['continue', 'fail-fast'] },
      onCrash: {
        description: 'What becomes of it when the process that runs it ends without it.',
        enum: ['resume', 'fail'],
      },
      maxConcurrency: { type: 'integer', minimum: 1 },
      timeoutMs: { ...ms, description: 'For the whole execution, ms.' },
      onDisconnect: {
        description: 'The fate of the execution once it has no follower. `cancel` is a grace of 0.',
        oneOf: [{ enum: ['cancel', 'continue'] }, request({ graceMs: ms }, ['graceMs'])],
      },
    }),
    description: "None may be above the server's own.",
  },
  ExecutionStatus: object({ executionId, status: shownStatus }),
  Execution: {
    ...object(
      {
        executionId,
        status: shownStatus,
        result: refer('ExecutionResult'),
        parked: refer('Parked'),
      },
      ['result', 'parked'],
    ),
    description: '`result` is there once the execution has ended, `parked` while it is parked.',
  },
  Parked: {
    ...object({ code: text, message: text, tasks: { type: 'array', items: text } }),
    description: 'Why it does not resume by itself any more. `tasks`: the ids of those that are the cause.',
  },
  ExecutionPage: object(
    {
      executions: {
        type: 'array',
        items: refer('ListedExecution'),
      },
      next: { ...text, description: 'The `after` of the next page; absent on the last.' },
    },
    ['next'],
  ),
  ListedExecution: {
    ...object(
      {
        executionId,
        status: shownStatus,
        createdAt: timestamp,
        name: { ...text, description: 'Of the workflow.' },
        ...counts,
        runningCount: { ...count, description: 'Tasks whose tool is being called, of what runs in this process.' },
        startedAt: timestamp,
        endedAt: timestamp,
        executionTimeMs: ms,
      },
      ['name', ...Object.keys(counts), 'runningCount', 'startedAt', 'endedAt', 'executionTimeMs'],
    ),
    description: 'Unknown figures are absent.',
  },
  ...inputSchemas,
  ExecutionResult: object(
    {
      executionId,
      status: { enum: ended },
      reason: refer('Reason'),
      results: { type: 'array', items: refer('TaskResult') },
      errors: {
        type: 'array',
        items: object({ taskId: text, error: text, code: text, status: { const: 'error' } }),
      },
      ...counts,
      executionTimeMs: ms,
      parallelizationLayers: count,
      speedup: { type: 'number', minimum: 0 },
      criticalPathMs: ms,
      tokenUsage: refer('TokenUsage'),
      output: { description: 'What the `output` of the workflow came to: any JSON.' },
      outputError: {
        ...object({ code: text, message: text }),
        description: 'Why there is no output, though the workflow declares one.',
      },
    },
    ['reason', 'toleratedCount', 'tokenUsage', 'output', 'outputError'],
  ),
  TaskResult: object(
    {
      taskId: text,
      tool: text,
      status: { enum: ['success', 'error', 'skipped', 'cancelled'] },
      output: {
        description:
          'Any JSON; there exactly when `status` is `success`, except where the output of the parent holds it.',
      },
      error: text,
      code: text,
      causedBy: { ...text, description: 'The task because of which this one was skipped.' },
      attempts: count,
      executionTimeMs: ms,
      waitMs: ms,
      abandoned: { const: true },
      optional: { const: true, description: 'It failed, and its failure is tolerated.' },
      items: { type: 'array', items: refer('TaskResult'), description: 'Of a `forEach` or `repeat`: items or rounds.' },
      tasks: { type: 'array', items: refer('TaskResult'), description: 'Of a `workflow`: its tasks.' },
    },
    ['output', 'error', 'code', 'causedBy', 'abandoned', 'optional', 'items', 'tasks'],
  ),
  Reason: object({
    code: { enum: ['CANCELLED', 'EXECUTION_TIMEOUT', 'BUDGET_EXCEEDED', 'DISCONNECTED', 'SHUTDOWN'] },
    message: text,
  }),
  TokenUsage: object(
    {
      totalTokensIn: count,
      totalTokensOut: count,
      totalCacheWrites: count,
      totalCacheReads: count,
      totalCost: { type: 'number', minimum: 0, description: 'US dollars.' },
      contextTokens: count,
    },
    ['totalCacheWrites', 'totalCacheReads', 'totalCost', 'contextTokens'],
  ),
  ValidationResult: object({
    valid: { type: 'boolean' },
    issues: { type: 'array', maxItems: LIMITS.maxIssues, items: refer('WorkflowIssue') },
    issueCount: count,
  }),
  WorkflowIssue: object(
    {
      code: text,
      pointer: { ...text, description: 'JSON Pointer (RFC 6901) into the workflow as it was sent.' },
      in: { enum: ['input'], description: 'The pointer leads into the input instead.' },
      message: text,
      hint: text,
      path: { type: 'array', items: text, description: 'For `CYCLE` and `RECURSIVE_WORKFLOW`: the names around it.' },
      line: {
        type: 'integer',
        minimum: 1,
        description:
          'Line, in the body that was sent, of the value that the pointer leads to; of an unknown field, of its key.',
      },
      column: { type: 'integer', minimum: 1, description: 'Column, UTF-16 units.' },
    },
    ['in', 'hint', 'path', 'line', 'column'],
  ),
  ToolList: object({
    tools: {
      type: 'array',
      items: object({ name: text, description: text, inputSchema: { type: 'object' } }, ['description', 'inputSchema']),
    },
  }),
  Health: object({ status: { enum: ['ok', 'draining'] } }),
  Problem: {
    ...object(
      {
        title: text,
        status: { type: 'integer', minimum: 400, maximum: 599 },
        detail: text,
        code: { ...text, description: 'What a program can match on.' },
        issues: { type: 'array', items: refer('WorkflowIssue') },
        issueCount: count,
        servers: { type: 'array', items: text, description: 'Whose tools cannot be had.' },
        reference: { ...text, description: "Where the server's log tells more." },
      },
      ['detail', 'code', 'issues', 'issueCount', 'servers', 'reference'],
    ),
    description: 'RFC 9457.',
  },
  EventStream: {
    ...text,
    description:
      'Server-Sent Events: `id: <executionId>.<seq>`, `event: <type>`, `data: <one line of JSON>`, a blank line; comments ' +
      `keep the connection alive. Types: ${Object.values(SSE_EVENTS).join(', ')}. More may follow: skip what is unknown.`,
  },
}
