import { SHOWN_STATUSES } from '../../host/listing/list-filter.ts'
import { schemas } from './openapi-schemas.ts'
import { inputPaths } from './input-paths.ts'
import { content, header, id, json, JSON_TYPE, parameter, problems } from './path-parts.ts'
import { type Json, refer, text } from './schema-parts.ts'

const lastEventId = parameter('Last-Event-ID', 'header', 'The last event that was seen; `<executionId>.<seq>`.')

/** What tells a client, before anything else, what to come back to. */
const identity = {
  'Execution-Id': header('Of the execution.'),
  Location: header('`/executions/{id}`.'),
}

const stream = 'The events, from the first bytes on as they happen.'

const paths = {
  '/executions': {
    post: {
      operationId: 'createExecution',
      summary: 'Run a workflow',
      description:
        'Answers as `Accept` asks: a stream of events, or the result. With `Prefer: respond-async` it answers at once. A ' +
        'request with `Last-Event-ID` resumes the execution that this names and starts nothing.',
      parameters: [
        parameter('Accept', 'header', '`text/event-stream` or `application/json`, which is also the default.'),
        parameter('Prefer', 'header', '`respond-async`: do not wait, and continue without a follower.'),
        parameter('Idempotency-Key', 'header', 'The same key and body: the same execution, whatever it has come to.', {
          type: 'string',
          pattern: '^[!-~]{1,255}$',
        }),
        lastEventId,
      ],
      requestBody: { required: true, ...content(JSON_TYPE, refer('WorkflowRequest')) },
      responses: {
        200: {
          description: `${stream} Or the result, once there is one; the headers come at once, white space keeps it alive.`,
          headers: identity,
          content: {
            [JSON_TYPE]: { schema: refer('ExecutionResult') },
            'text/event-stream': { schema: refer('EventStream') },
          },
        },
        202: {
          ...json('It runs.', refer('ExecutionStatus')),
          headers: { ...identity, 'Preference-Applied': header('`respond-async`.') },
        },
        204: { description: 'What `Last-Event-ID` names has ended, and nothing is left.' },
        ...problems(400, 404, 406, 409, 413, 415, 422, 429, 503),
      },
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
  ...inputPaths,
  '/executions/{id}/cancel': {
    parameters: [id],
    post: {
      operationId: 'cancelExecution',
      summary: 'Cancel an execution; idempotent, also after its end',
      responses: { 202: json('It will end, or has.', refer('ExecutionStatus')), ...problems(404, 409, 503) },
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
  '/workflows/validate': {
    post: {
      operationId: 'validateWorkflow',
      summary: 'Check a workflow without running it',
      requestBody: { required: true, ...content(JSON_TYPE, refer('ValidationRequest')) },
      responses: { 200: json('What was found.', refer('ValidationResult')), ...problems(400, 413, 415, 503) },
    },
  },
  '/workflows/schema': {
    get: {
      operationId: 'getWorkflowSchema',
      summary: 'The JSON Schema of a workflow',
      responses: {
        200: { description: 'JSON Schema 2020-12.', ...content('application/schema+json', { type: 'object' }) },
        ...problems(),
      },
    },
  },
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
