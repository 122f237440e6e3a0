import { LIMITS } from '../../workflow/document.ts'
import { SHOWN_STATUSES } from '../../host/listing/list-filter.ts'
import { schemas } from './openapi-schemas.ts'
import { type Json, refer } from './schema-parts.ts'

const JSON_TYPE = 'application/json'
const PROBLEM_TYPE = 'application/problem+json'
const text: Json = { type: 'string' }

const PROBLEMS = {
  400: 'The request is malformed or exceeds a bound of the server.',
  401: "The server's token is missing or wrong.",
  403: 'The `Host` is not allowed.',
  404: 'The resource does not exist or has another owner.',
  406: '`Accept` allows no media type of this route.',
  409: 'The state of the execution does not allow this, or the `Idempotency-Key` was used for another request.',
  413: `The body has more than ${LIMITS.maxBodyBytes} bytes.`,
  415: 'The body is not `application/json`, or has a `Content-Encoding`.',
  422: 'The workflow or its input is invalid; see `issues` and `issueCount`.',
  429: 'Too many executions are running, or too many streams are open.',
  500: 'The server failed; `reference` identifies the error in its log.',
  503: 'The server is shutting down, its store failed, or tools are unavailable (`servers` names them).',
} as const

type ProblemStatus = keyof typeof PROBLEMS

/** Statuses that every route may answer with. */
const EVERYWHERE: readonly ProblemStatus[] = [401, 403, 500]

function content(type: string, schema: Json): Json {
  return { content: { [type]: { schema } } }
}

function json(description: string, schema: Json): Json {
  return { description, ...content(JSON_TYPE, schema) }
}

function header(description: string, schema: Json = text): Json {
  return { description, schema }
}

function problems(...statuses: readonly ProblemStatus[]): Json {
  const retryAfter = { 'Retry-After': header('Seconds.', { type: 'integer', minimum: 0 }) }
  return Object.fromEntries(
    [...EVERYWHERE, ...statuses].map(status => [
      status,
      {
        description: PROBLEMS[status],
        ...content(PROBLEM_TYPE, refer('Problem')),
        ...((status === 429 || status === 503) && { headers: retryAfter }),
      },
    ]),
  )
}

function parameter(name: string, place: 'path' | 'query' | 'header', description: string, schema: Json = text): Json {
  return { name, in: place, required: place === 'path', description, schema }
}

const id = parameter('id', 'path', 'Id of the execution.', { type: 'string', pattern: '^[A-Za-z0-9_-]{1,128}$' })
const lastEventId = parameter('Last-Event-ID', 'header', 'The id of the last received event, `<executionId>.<seq>`.')

/** Headers that identify the execution, so that a client can reconnect before the first event. */
const identity = {
  'Execution-Id': header('Id of the execution.'),
  Location: header('`/executions/{id}`.'),
}

const stream = 'The events, each sent as soon as it is recorded.'

const paths = {
  '/executions': {
    post: {
      operationId: 'createExecution',
      summary: 'Run a workflow',
      description:
        '`Accept` selects a stream of events or the result. With `Prefer: respond-async` the answer comes at once. A ' +
        'request with `Last-Event-ID` reconnects to the execution in that id and starts nothing.',
      parameters: [
        parameter('Accept', 'header', '`text/event-stream`, or `application/json` (default).'),
        parameter('Prefer', 'header', '`respond-async`: answer at once, and continue without subscribers.'),
        parameter(
          'Idempotency-Key',
          'header',
          'A repeated request with the same key and body refers to the same execution, in any state.',
          {
            type: 'string',
            pattern: '^[!-~]{1,255}$',
          },
        ),
        lastEventId,
      ],
      requestBody: { required: true, ...content(JSON_TYPE, refer('WorkflowRequest')) },
      responses: {
        200: {
          description: `${stream} Or the result at the end; headers are sent at once, white space keeps the connection alive.`,
          headers: identity,
          content: {
            [JSON_TYPE]: { schema: refer('ExecutionResult') },
            'text/event-stream': { schema: refer('EventStream') },
          },
        },
        202: {
          ...json('The execution has started.', refer('ExecutionStatus')),
          headers: { ...identity, 'Preference-Applied': header('`respond-async`.') },
        },
        204: { description: 'The execution in `Last-Event-ID` has ended, and no event follows.' },
        ...problems(400, 404, 406, 409, 413, 415, 422, 429, 503),
      },
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
        200: json('The state, with the result once it has ended.', refer('Execution')),
        ...problems(404, 409, 503),
      },
    },
    delete: {
      operationId: 'deleteExecution',
      summary: 'Delete an execution that has ended or is parked',
      responses: { 204: { description: 'Deleted.' }, ...problems(404, 409, 503) },
    },
  },
  '/executions/{id}/events': {
    parameters: [id],
    get: {
      operationId: 'followExecution',
      summary: 'Follow an execution from its first event, or after a given one',
      parameters: [lastEventId, parameter('after', 'query', 'Like `Last-Event-ID`, which takes precedence.')],
      responses: {
        200: { description: stream, headers: identity, ...content('text/event-stream', refer('EventStream')) },
        204: { description: 'The execution has ended, and no event follows. Stops an `EventSource`.' },
        ...problems(400, 404, 406, 409, 429, 503),
      },
    },
  },
  '/executions/{id}/cancel': {
    parameters: [id],
    post: {
      operationId: 'cancelExecution',
      summary: 'Cancel an execution; idempotent, also after its end',
      responses: {
        202: json('The execution is being cancelled, or has ended.', refer('ExecutionStatus')),
        ...problems(404, 409, 503),
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
  '/workflows/validate': {
    post: {
      operationId: 'validateWorkflow',
      summary: 'Check a workflow without running it',
      requestBody: { required: true, ...content(JSON_TYPE, refer('ValidationRequest')) },
      responses: {
        200: json('The problems of the workflow.', refer('ValidationResult')),
        ...problems(400, 413, 415, 503),
      },
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
      responses: { 200: json('The tools.', refer('ToolList')), ...problems(503) },
    },
  },
  '/healthz': {
    get: {
      operationId: 'getHealth',
      summary: 'Whether the server accepts executions',
      responses: {
        200: json('It accepts executions.', refer('Health')),
        ...problems(),
        503: json('The server is shutting down.', refer('Health')),
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

/** The routes as OpenAPI 3.1 describes them. `HEAD` is answered wherever `GET` is. */
export const openapiDocument: Json = {
  openapi: '3.1.0',
  info: {
    title: 'dagstream',
    version: '1',
    description: 'Runs workflows of tool tasks in parallel, and streams every event the moment it happens.',
  },
  servers: [{ url: '/' }],
  // A server without a token requires none.
  security: [{}, { bearer: [] }],
  paths,
  components: { schemas, securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
}
