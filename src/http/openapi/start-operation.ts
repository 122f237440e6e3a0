import { type Json, refer } from './schema-parts.ts'
import { content, header, json, JSON_TYPE, parameter, problems } from './operation-parts.ts'

/** Of a request that continues a stream. */
export const lastEventId: Json = parameter(
  'Last-Event-ID',
  'header',
  'The last event that was seen; `<executionId>.<seq>`.',
)

/** What tells a client, before anything else, what to come back to. */
export const identity: Json = {
  'Execution-Id': header('Of the execution.'),
  Location: header('`/executions/{id}`.'),
}

/** What a stream is. */
export const stream = 'The events, from the first bytes on as they happen.'

/** An operation that starts an execution. */
export function startOperation(body: Json): Json {
  return {
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
    requestBody: { required: true, ...content(JSON_TYPE, body) },
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
  }
}
