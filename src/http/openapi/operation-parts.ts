import { LIMITS } from '../../workflow/document.ts'
import { type Json, refer, text } from './schema-parts.ts'

export const JSON_TYPE = 'application/json'
const PROBLEM_TYPE = 'application/problem+json'

type ProblemStatus = 400 | 401 | 403 | 404 | 406 | 409 | 413 | 415 | 422 | 429 | 500 | 503

const PROBLEMS: Readonly<Record<ProblemStatus, string>> = {
  400: 'The request is malformed or exceeds a bound of the server.',
  401: "The server's token is missing or wrong.",
  403: 'The `Host` is not allowed.',
  404: 'The resource does not exist or has another owner.',
  406: '`Accept` allows no media type of this route.',
  409: 'The state of the execution does not allow this, or the `Idempotency-Key` was used for another request.',
  413: `The body has more than ${LIMITS.maxBodyBytes} bytes.`,
  415: 'The body has another type than those of this route, or a `Content-Encoding`.',
  422: 'The workflow, its input, or the answer to a question is invalid; see `issues` and `issueCount`.',
  429: 'Too many executions are running, or too many streams are open.',
  500: 'The server failed; `reference` identifies the error in its log.',
  503: 'The server is shutting down, its store failed, or tools are unavailable (`servers` names them).',
}

/** Statuses that every route may answer with. */
const EVERYWHERE: readonly ProblemStatus[] = [401, 403, 500]

/** A body of one type. */
export function content(type: string, schema: Json): Json {
  return { content: { [type]: { schema } } }
}

/** An answer in JSON. */
export function json(description: string, schema: Json): Json {
  return { description, ...content(JSON_TYPE, schema) }
}

export function header(description: string, schema: Json = text): Json {
  return { description, schema }
}

/** The problems that a route may answer with, beside those of every route. */
export function problems(...statuses: readonly ProblemStatus[]): Json {
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

export function parameter(
  name: string,
  place: 'path' | 'query' | 'header',
  description: string,
  schema: Json = text,
): Json {
  return { name, in: place, required: place === 'path', description, schema }
}

/** The id of an execution in a path. */
export const id: Json = parameter('id', 'path', 'Id of the execution.', {
  type: 'string',
  pattern: '^[A-Za-z0-9_-]{1,128}$',
})
