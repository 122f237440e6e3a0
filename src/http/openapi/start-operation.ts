import { type Json, refer } from './schema-parts.ts'
import { content, header, json, JSON_TYPE, parameter, problems } from './operation-parts.ts'

/** The header of a request that resumes a stream. */
export const lastEventId: Json = parameter(
  'Last-Event-ID',
  'header',
  'The id of the last received event, `<executionId>.<seq>`.',
)

/** The header of answers about a plan. */
export const planLine: Json = {
  'Plan-Line': header('Of a plan: the number of its lines that are in the log.', { type: 'integer', minimum: 0 }),
}

/** Headers that identify the execution, so that a client can reconnect before the first event. */
export const identity: Json = {
  'Execution-Id': header('Id of the execution.'),
  Location: header('`/executions/{id}`.'),
  'Trace-Id': header('Id of the trace of the execution, if traces are written.'),
  ...planLine,
}

/** Description of a stream. */
export const stream = 'The events, each sent as soon as it is recorded.'

/** An operation that starts an execution. */
export function startOperation(body: Json): Json {
  return {
    description:
      '`Accept` selects a stream of events or the result. With `Prefer: respond-async` the answer comes at once. A  ' +
      'request with `Last-Event-ID` reconnects to the execution in that id and starts nothing.',
    parameters: [
      parameter('Accept', 'header', '`text/event-stream`, or `application/json` (default).'),
      parameter('Prefer', 'header', '`respond-async`: answer at once, and continue without subscribers.'),
      parameter('Idempotency-Key', 'header', 'A request with the same key and body refers to the same execution.', {
        type: 'string',
        pattern: '^[!-~]{1,255}$',
      }),
      lastEventId,
      parameter('traceparent', 'header', 'W3C Trace Context: the parent of the trace of the execution.'),
    ],
    requestBody: { required: true, ...content(JSON_TYPE, body) },
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
  }
}
