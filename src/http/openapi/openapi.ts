import { SHOWN_STATUSES } from '../../host/listing/list-filter.ts'
import { schemas } from './openapi-schemas.ts'
import { content, json, parameter, problems } from './operation-parts.ts'
import { type Json, refer, text } from './schema-parts.ts'
import { identity, lastEventId, startOperation, stream } from './start-operation.ts'
import { workflowPaths } from './workflow-paths.ts'

const id = parameter('id', 'path', 'Of the execution.', { type: 'string', pattern: '^[A-Za-z0-9_-]{1,128}$' })

const paths = {
  '/executions': {
    post: {
      operationId: 'createExecution',
      summary: 'Run a workflow',
      ...startOperation(refer('WorkflowRequest')),
    },
    get: {
      operationId: 'listExecutions',
      summary: 'List executions, the earliest first',
      parameters: [
        parameter('limit', 'query', 'Of a page.', { type: 'integer', minimum: 1, maximum: 1000, default: 100 }),
        parameter('after', 'query', 'The `next` of the page before.'),
        parameter('status', 'query', 'Only those that stand so.', { enum: SHOWN_STATUSES }),
        parameter('name', 'query', 'Only those of workflows with this name, exactly.'),
        parameter(
          'since',
          'query',
          'Only those created then or later: ISO 8601, in UTC without an offset, or ms since 1970.',
        ),
      ],
      responses: { 200: json('A page.', refer('ExecutionPage')), ...problems(400, 503) },
    },
  },
  '/executions/{id}': {
    parameters: [id],
    get: {
      operationId: 'getExecution',
      summary: 'See how an execution stands',
      responses: { 200: json('With its result once it has ended.', refer('Execution')), ...problems(404, 409, 503) },
    },
    delete: {
      operationId: 'deleteExecution',
      summary: 'Remove an execution that has ended, or is parked',
      responses: { 204: { description: 'It is gone.' }, ...problems(404, 409, 503) },
    },
  },
  '/executions/{id}/events': {
    parameters: [id],
    get: {
      operationId: 'followExecution',
      summary: 'Follow an execution, from the first event or from behind one',
      parameters: [lastEventId, parameter('after', 'query', 'The same as `Last-Event-ID`, which wins.')],
      responses: {
        200: { description: stream, headers: identity, ...content('text/event-stream', refer('EventStream')) },
        204: { description: 'It has ended, and nothing is left. Stops an `EventSource`.' },
        ...problems(400, 404, 406, 409, 429, 503),
      },
    },
  },
  '/executions/{id}/cancel': {
    parameters: [id],
    post: {
      operationId: 'cancelExecution',
      summary: 'Cancel an execution: `finally` tasks run, a second request ends those; also after its end',
      parameters: [parameter('Idempotency-Key', 'header', 'A repetition under the same key is the same request.')],
      responses: { 202: json('It will end, or has.', refer('ExecutionStatus')), ...problems(400, 404, 409, 503) },
    },
  },
  '/executions/{id}/resume': {
    parameters: [id],
    post: {
      operationId: 'resumeExecution',
      summary: 'Resume an unfinished or parked execution; idempotent while it runs',
      responses: { 202: json('It goes on.', refer('ExecutionStatus')), ...problems(404, 409, 429, 503) },
    },
  },
  '/executions/{id}/output': {
    parameters: [id],
    get: {
      operationId: 'getExecutionOutput',
      summary: 'Get what the `output` of the workflow came to, whatever its size',
      responses: { 200: json('The value itself.', {}), ...problems(404, 503) },
    },
  },
  '/executions/{id}/tasks/{taskId}/output': {
    parameters: [id, parameter('taskId', 'path', 'Of the task, percent-encoded: `label%5B3%5D`, `report%2Ffetch`.')],
    get: {
      operationId: 'getOutput',
      summary: 'Get one output, whatever its size',
      responses: { 200: json('The value itself.', {}), ...problems(400, 404, 409, 503) },
    },
  },
  ...workflowPaths,
  '/tools': {
    get: {
      operationId: 'listTools',
      summary: 'The tools that tasks can name',
      responses: { 200: json('All of them.', refer('ToolList')), ...problems(503) },
    },
  },
  '/healthz': {
    get: {
      operationId: 'getHealth',
      summary: 'Whether the server takes work',
      responses: {
        200: json('It does.', refer('Health')),
        ...problems(),
        503: json('It is shutting down.', refer('Health')),
      },
    },
  },
  '/metrics': {
    get: {
      operationId: 'getMetrics',
      summary: "Figures in Prometheus' text format",
      responses: { 200: { description: 'Version 0.0.4.', ...content('text/plain', text) }, ...problems() },
    },
  },
  '/openapi.json': {
    get: {
      operationId: 'getOpenapi',
      summary: 'This document',
      responses: { 200: json('OpenAPI 3.1.', { type: 'object' }), ...problems() },
    },
  },
} as const

/** The routes as OpenAPI 3.1 describes them. `HEAD` is answered wherever `GET` is. */
export const openapiDocument: Json = {
  openapi: '3.1.0',
  info: {
    title: 'dagstream',
    version: '1',
    description: 'Runs workflows of tool tasks in parallel, and streams every event the moment it happens.',
  },
  servers: [{ url: '/' }],
  // Only a server that has a token asks for it.
  security: [{}, { bearer: [] }],
  paths,
  components: { schemas, securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
}
