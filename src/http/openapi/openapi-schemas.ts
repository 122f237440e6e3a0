import { forecastSchemas } from './forecast-schemas.ts'
import { SSE_EVENTS } from '../../events/events.ts'
import { LIMITS } from '../../workflow/document.ts'
import { WORKFLOW_NAME_PATTERN } from '../../workflow/schema.ts'
import { embedWorkflow } from './embed-workflow.ts'
import { detailSchemas } from './detail-schemas.ts'
import { inputSchemas } from './input-schemas.ts'
import { requestSchemas } from './request-schemas.ts'
import {
  count,
  counts,
  executionId,
  type Json,
  ms,
  object,
  refer,
  type SchemaName,
  text,
  timestamp,
} from './schema-parts.ts'

const ended: readonly string[] = ['success', 'partial', 'error', 'cancelled']

const shownStatus: Json = {
  enum: ['running', 'parked', ...ended],
  description: '`parked`: unfinished; a request can resume it, nothing else does.',
}

/** The schemas of requests and responses, by name. */
export const schemas: Readonly<Record<SchemaName, Json>> = {
  Workflow: embedWorkflow(refer('Workflow')),
  ...requestSchemas,
  ExecutionStatus: object({ executionId, status: shownStatus }),
  Execution: {
    ...object(
      {
        executionId,
        status: shownStatus,
        result: refer('ExecutionResult'),
        parked: refer('Parked'),
        forkedFrom: refer('ForkedFrom'),
      },
      ['result', 'parked', 'forkedFrom'],
    ),
    description:
      '`result` is present once the execution has ended, `parked` while it is parked, `forkedFrom` for a fork.',
  },
  ForkedFrom: {
    ...object({ executionId, from: { type: 'array', items: text } }),
    description: 'The execution that was forked, and the ids of the tasks that run again whatever they did.',
  },
  RecordedRequest: {
    ...object({ executionId, workflow: { type: 'object' }, input: {} }, ['workflow', 'input']),
    description: '`workflow` is absent if the store has no document, `input` if there is none.',
  },
  Parked: {
    ...object({ code: text, message: text, tasks: { type: 'array', items: text } }),
    description: 'Why the execution is parked. `tasks`: the ids of the tasks that caused it.',
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
        name: { ...text, description: 'Name of the workflow.' },
        ...counts,
        runningCount: { ...count, description: 'Tasks whose tool is running, for executions of this process.' },
        startedAt: timestamp,
        endedAt: timestamp,
        executionTimeMs: ms,
        tokenUsage: refer('TokenUsage'),
      },
      ['name', ...Object.keys(counts), 'runningCount', 'startedAt', 'endedAt', 'executionTimeMs', 'tokenUsage'],
    ),
    description: 'Unknown figures are absent.',
  },
  ...inputSchemas,
  ...detailSchemas,
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
      output: { description: 'The value of the `output` of the workflow: any JSON.' },
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
        description: 'Any JSON. Present if `status` is `success`, unless the output of the parent contains it.',
      },
      error: text,
      code: text,
      causedBy: { ...text, description: 'The task because of which this one was skipped.' },
      attempts: count,
      executionTimeMs: ms,
      waitMs: ms,
      abandoned: { const: true },
      optional: { const: true, description: 'The task failed, and its failure is tolerated.' },
      reusedFrom: {
        ...object({ executionId, taskId: text }),
        description: 'The task did not run: its output is that of this task.',
      },
      items: {
        type: 'array',
        items: refer('TaskResult'),
        description: 'The items of a `forEach`, or the rounds of a `repeat`.',
      },
      tasks: { type: 'array', items: refer('TaskResult'), description: 'The tasks of a `workflow`.' },
    },
    ['output', 'error', 'code', 'causedBy', 'abandoned', 'optional', 'reusedFrom', 'items', 'tasks'],
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
  ValidationResult: object(
    {
      valid: { type: 'boolean' },
      issues: { type: 'array', maxItems: LIMITS.maxIssues, items: refer('WorkflowIssue') },
      issueCount: count,
      forecast: refer('Forecast'),
    },
    ['forecast'],
  ),
  ...forecastSchemas,
  WorkflowIssue: object(
    {
      code: text,
      pointer: { ...text, description: 'JSON Pointer (RFC 6901) into the workflow as it was sent, or registered.' },
      in: {
        enum: ['input', 'document'],
        description: 'Present if the pointer refers to the input, or to the document that would result from a patch.',
      },
      message: text,
      hint: text,
      path: {
        type: 'array',
        items: text,
        description: 'For `CYCLE` and `RECURSIVE_WORKFLOW`: the names along the cycle.',
      },
      line: {
        type: 'integer',
        minimum: 1,
        description: 'Line in the request body of the value at the pointer; for an unknown field, of its key.',
      },
      column: { type: 'integer', minimum: 1, description: 'Column, UTF-16 units.' },
    },
    ['in', 'hint', 'path', 'line', 'column'],
  ),
  WorkflowList: object({
    workflows: {
      type: 'array',
      items: object(
        {
          name: { ...text, pattern: WORKFLOW_NAME_PATTERN },
          description: text,
          inputSchema: { type: 'object' },
          taskCount: { ...count, description: 'Number of tasks of the document, `finally` tasks included.' },
        },
        ['description', 'inputSchema'],
      ),
    },
  }),
  ToolList: object({
    tools: {
      type: 'array',
      items: object({ name: text, description: text, inputSchema: { type: 'object' } }, ['description', 'inputSchema']),
    },
  }),
  WorkerList: object({
    workers: {
      type: 'array',
      items: object({
        workerId: text,
        startedAt: { ...text, format: 'date-time' },
        seenAt: { ...text, format: 'date-time' },
        tools: { type: 'array', items: text },
        running: count,
        capacity: count,
        version: text,
      }),
    },
  }),
  Health: object({ status: { enum: ['ok', 'draining', 'store_unavailable'] } }),
  Problem: {
    ...object(
      {
        title: text,
        status: { type: 'integer', minimum: 400, maximum: 599 },
        detail: text,
        code: { ...text, description: 'A stable code for programs.' },
        issues: { type: 'array', items: refer('WorkflowIssue') },
        issueCount: count,
        servers: { type: 'array', items: text, description: 'The servers whose tools are unavailable.' },
        reference: { ...text, description: 'The reference of the error in the log of the server.' },
      },
      ['detail', 'code', 'issues', 'issueCount', 'servers', 'reference'],
    ),
    description: 'RFC 9457.',
  },
  EventStream: {
    ...text,
    description:
      'Server-Sent Events: `id: <executionId>.<seq>`, `event: <type>`, `data: <one line of JSON>`, a blank line; comments ' +
      `keep the connection alive. Types: ${Object.values(SSE_EVENTS).join(', ')}. Later versions may add types: skip unknown ones.`,
  },
}
