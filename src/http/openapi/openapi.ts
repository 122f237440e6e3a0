import { SHOWN_STATUSES } from '../../host/listing/list-filter.ts'
import { schemas } from './openapi-schemas.ts'
import { detailPaths } from './detail-paths.ts'
import { inputPaths } from './input-paths.ts'
import { patchPaths } from './patch-paths.ts'
import { content, id, json, parameter, problems } from './operation-parts.ts'
import { type Json, refer, text } from './schema-parts.ts'
import { identity, lastEventId, planLine, startOperation, stream } from './start-operation.ts'
import { planOperation } from './plan-operation.ts'
import { formatParameters, protocolPaths } from './protocol-paths.ts'
import { workflowPaths } from './workflow-paths.ts'

const paths = {
  '/executions': {
    post: {
      operationId: 'createExecution',
      summary: 'Run a workflow',
      ...planOperation(startOperation(refer('WorkflowRequest'))),
    },
    get: {
      operationId: 'listExecutions',
      summary: 'List executions, the oldest first',
      parameters: [
        parameter('limit', 'query', 'Maximum size of a page.', {
          type: 'integer',
          minimum: 1,
          maximum: 1000,
          default: 100,
        }),
        parameter('after', 'query', 'The `next` of the previous page.'),
        parameter('status', 'query', 'Only executions with this status.', { enum: SHOWN_STATUSES }),
        parameter('name', 'query', 'Only executions of workflows with exactly this name.'),
        parameter(
          'since',
          'query',
          'Only executions created at or after this time: ISO 8601 (UTC if it has no offset), or ms since 1970.',
        ),
      ],
      responses: { 200: json('A page.', refer('ExecutionPage')), ...problems(400, 503) },
    },
  },
  '/executions/{id}': {
    parameters: [id],
    get: {
      operationId: 'getExecution',
      summary: 'Get the state of an execution',
      responses: {
        200: { ...json('The state, with the result once it has ended.', refer('Execution')), headers: planLine },
        ...problems(404, 409, 503),
      },
    },
    delete: {
      operationId: 'deleteExecution',
      summary: 'Delete an execution that has ended or is parked',
      responses: { 204: { description: 'Deleted.' }, ...problems(404, 409, 503) },
    },
  },
  '/executions/{id}/request': {
    parameters: [id],
    get: {
      operationId: 'getExecutionRequest',
      summary: 'Get the document and the input of an execution, as they were recorded',
      responses: { 200: json('The request.', refer('RecordedRequest')), ...problems(404, 409, 503) },
    },
  },
  '/executions/{id}/events': {
    parameters: [id],
    get: {
      operationId: 'followExecution',
      summary: 'Follow an execution from its first event, or after a given one',
      parameters: [
        lastEventId,
        parameter('after', 'query', 'Like `Last-Event-ID`, which takes precedence.'),
        ...formatParameters,
      ],
      responses: {
        200: { description: stream, headers: identity, ...content('text/event-stream', refer('EventStream')) },
        204: { description: 'The execution has ended, and no event follows. Stops an `EventSource`.' },
        ...problems(400, 404, 406, 409, 429, 503),
      },
    },
  },
  '/executions/{id}/fork': {
    parameters: [id],
    post: {
      operationId: 'forkExecution',
      summary: 'Start a new execution that takes over the outputs of unchanged tasks',
      ...startOperation(refer('ForkRequest')),
    },
  },
  ...inputPaths,
  ...patchPaths,
  ...detailPaths,
  '/executions/{id}/cancel': {
    parameters: [id],
    post: {
      operationId: 'cancelExecution',
      summary: 'Cancel an execution: its `finally` tasks run, a second request ends those; no effect after the end',
      parameters: [parameter('Idempotency-Key', 'header', 'A repetition under the same key is the same request.')],
      responses: {
        202: json('The execution is being cancelled, or has ended.', refer('ExecutionStatus')),
        ...problems(400, 404, 409, 503),
      },
    },
  },
  '/executions/{id}/resume': {
    parameters: [id],
    post: {
      operationId: 'resumeExecution',
      summary: 'Resume an unfinished or parked execution; idempotent while it runs',
      responses: { 202: json('The execution is running.', refer('ExecutionStatus')), ...problems(404, 409, 429, 503) },
    },
  },
  '/executions/{id}/output': {
    parameters: [id],
    get: {
      operationId: 'getExecutionOutput',
      summary: 'Get the output of the workflow, of any size',
      responses: { 200: json('The output.', {}), ...problems(404, 503) },
    },
  },
  '/executions/{id}/tasks/{taskId}/output': {
    parameters: [id, parameter('taskId', 'path', 'Id of the task, percent-encoded: `label%5B3%5D`, `report%2Ffetch`.')],
    get: {
      operationId: 'getOutput',
      summary: 'Get the output of a task, of any size',
      responses: { 200: json('The output.', {}), ...problems(400, 404, 409, 503) },
    },
  },
  ...workflowPaths,
  ...protocolPaths,
  '/tools': {
    get: {
      operationId: 'listTools',
      summary: 'The tools that tasks can name',
      responses: { 200: json('The tools.', refer('ToolList')), ...problems(503) },
    },
  },
  '/workers': {
    get: {
      operationId: 'listWorkers',
      summary: 'The living workers on a shared store; none for any other store',
      responses: { 200: json('The workers.', refer('WorkerList')), ...problems(503) },
    },
  },
  '/healthz': {
    get: {
      operationId: 'getHealth',
      summary: 'Whether the server accepts executions',
      responses: {
        200: json('It accepts executions.', refer('Health')),
        ...problems(),
        503: json('The server is shutting down, or its shared store does not answer.', refer('Health')),
      },
    },
  },
  '/metrics': {
    get: {
      operationId: 'getMetrics',
      summary: 'Metrics in the Prometheus text format',
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

/** The OpenAPI 3.1 document of the routes. Every `GET` route answers `HEAD`, too. */
export const openapiDocument: Json = {
  openapi: '3.1.0',
  info: {
    title: 'dagstream',
    version: '1',
    description: 'Runs the tasks of workflows in parallel, and streams every event as soon as it is recorded.',
  },
  servers: [{ url: '/' }],
  // A server without a token requires none.
  security: [{}, { bearer: [] }],
  paths,
  components: { schemas, securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
}
