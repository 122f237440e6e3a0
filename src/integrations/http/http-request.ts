import type { JsonNumber } from '../../json/json-number.ts'
import type { JsonSchema } from '../../tools/tool.ts'

/** The methods that can be asked for. */
export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'

/** One value of a header or a query. */
export type HttpScalar = string | number | boolean | JsonNumber

/** A value of a query; of an array each is a pair of its own. */
export type QueryValue = HttpScalar | readonly HttpScalar[]

/** What is sent: exactly one of the three. Each sets `Content-Type` unless the headers have it. */
export type HttpBody = { readonly json: unknown } | { readonly text: string } | { readonly base64: string }

/** The arguments of `http:request`; those of `http:get` are the same without `method` and `body`. */
export interface HttpRequest {
  /** @defaultValue `GET` */
  readonly method?: HttpMethod
  /** Absolute, of http or https. A user and a password in it become an `Authorization`. */
  readonly url: string
  /** Neither `Host` nor those of the connection. */
  readonly headers?: Readonly<Record<string, HttpScalar>>
  /** Added to the query that the URL has. */
  readonly query?: Readonly<Record<string, QueryValue>>
  readonly body?: HttpBody
  /** From the moment the request may start to the last byte of the answer, redirects included, ms; at most an hour. */
  readonly timeoutMs?: number
  /** Statuses that are no failure though they are not 2xx; redirects among them are not followed. */
  readonly acceptStatuses?: 'any' | readonly number[]
  /**
   * What the answer's body is read as: `json` where its content type says JSON, else text or base64 by that type; or `text`,
   * whatever the type says, JSON unparsed. An answer that is no text fails then.
   * @defaultValue `json`
   */
  readonly as?: 'json' | 'text'
}

/** What an HTTP tool gives. */
export interface HttpResponse {
  readonly status: number
  /** Names in lower case, several values of one joined with `, `; without those that set cookies. */
  readonly headers: Readonly<Record<string, string>>
  /** As `bodyType` says: a JSON value, a text, or base64. */
  readonly body: unknown
  readonly bodyType: 'json' | 'text' | 'base64'
}

// Strings have no pattern and no length here: the check of a schema tells what it found, and a URL may hold a password.
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
    description: 'Statuses that are no failure though they are not 2xx, or "any".',
  },
  as: {
    enum: ['json', 'text'],
    default: 'json',
    description: 'What the body is read as: "json" by its content type, "text" unparsed.',
  },
}

/** Of the arguments of `http:get`. */
export const GET_SCHEMA: JsonSchema = {
  type: 'object',
  properties: COMMON,
  required: ['url'],
  additionalProperties: false,
}

/** Of the arguments of `http:request`. */
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
