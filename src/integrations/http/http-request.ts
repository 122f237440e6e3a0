import type { JsonNumber } from '../../json/json-number.ts'
import type { JsonSchema } from '../../tools/tool.ts'

/** The supported methods. */
export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'

/** A single header or query value. */
export type HttpScalar = string | number | boolean | JsonNumber

/** A query value; each element of an array becomes a separate pair. */
export type QueryValue = HttpScalar | readonly HttpScalar[]

/** A request body: exactly one of the three. Each sets `Content-Type` unless the headers do. */
export type HttpBody = { readonly json: unknown } | { readonly text: string } | { readonly base64: string }

/** The arguments of `http:request`; those of `http:get` are the same without `method` and `body`. */
export interface HttpRequest {
  /** @defaultValue `GET` */
  readonly method?: HttpMethod
  /** Absolute http or https URL. Its userinfo becomes an `Authorization` header. */
  readonly url: string
  /** Request headers, except `Host` and connection headers. */
  readonly headers?: Readonly<Record<string, HttpScalar>>
  /** Appended to the URL's query. */
  readonly query?: Readonly<Record<string, QueryValue>>
  readonly body?: HttpBody
  /** Timeout from the request's start to the last byte of the response, redirects included, ms; at most an hour. */
  readonly timeoutMs?: number
  /** Statuses besides 2xx that count as success; redirects among them are not followed. */
  readonly acceptStatuses?: 'any' | readonly number[]
  /**
   * How to decode the response's body. `json`: JSON if the content type says so, else text or base64 by that type. `text`:
   * always text, with JSON unparsed; a response that is not text fails.
   * @defaultValue `json`
   */
  readonly as?: 'json' | 'text'
}

/** The output of an HTTP tool. */
export interface HttpResponse {
  readonly status: number
  /** Lower-case names, multiple values joined with `, `; without `Set-Cookie`. */
  readonly headers: Readonly<Record<string, string>>
  /** A JSON value, a text, or base64, according to `bodyType`. */
  readonly body: unknown
  readonly bodyType: 'json' | 'text' | 'base64'
}

// Strings have no pattern and no length here: schema errors quote the value, and a URL may contain a password.
const SCALAR = { type: ['string', 'number', 'boolean'] }

const COMMON = {
  url: { type: 'string', description: 'Absolute, http or https.' },
  headers: { type: 'object', additionalProperties: SCALAR },
  query: {
    type: 'object',
    additionalProperties: { type: ['string', 'number', 'boolean', 'array'], items: SCALAR },
    description: 'Added to the query of the URL.',
  },
  timeoutMs: { type: 'number', minimum: 1, maximum: 3_600_000 },
  acceptStatuses: {
    anyOf: [{ const: 'any' }, { type: 'array', items: { type: 'integer', minimum: 100, maximum: 599 } }],
    description: 'Statuses other than 2xx that are not failures, or "any".',
  },
  as: {
    enum: ['json', 'text'],
    default: 'json',
    description: 'How the body is read: "json" by its content type, "text" unparsed.',
  },
}

/** Schema of the arguments of `http:get`. */
export const GET_SCHEMA: JsonSchema = {
  type: 'object',
  properties: COMMON,
  required: ['url'],
  additionalProperties: false,
}

/** Schema of the arguments of `http:request`. */
export const REQUEST_SCHEMA: JsonSchema = {
  type: 'object',
  properties: {
    method: { enum: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'], default: 'GET' },
    ...COMMON,
    body: {
      type: 'object',
      properties: { json: {}, text: { type: 'string' }, base64: { type: 'string' } },
      minProperties: 1,
      maxProperties: 1,
      additionalProperties: false,
    },
  },
  required: ['url'],
  additionalProperties: false,
}
