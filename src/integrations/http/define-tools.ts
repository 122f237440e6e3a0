import type { Tool } from '../../tools/tool.ts'
import type { HttpSettings, HttpToolsOptions } from './http-options.ts'
import { GET_SCHEMA, REQUEST_SCHEMA } from './http-request.ts'

/** Attempts of `http:get`, which changes nothing. */
const GET_ATTEMPTS = 3

/** Both tools as data, and one function that does what either is asked. */
export function defineHttpTools(
  { prefix, limitPerHost }: HttpSettings,
  { limit, retry }: HttpToolsOptions,
  execute: Tool['execute'],
): [get: Tool, request: Tool] {
  const shared = {
    execute,
    exactNumbers: true,
    ...(limit !== undefined && { limit }),
    // Time spent waiting for a host is not the request's: it has a time-out of its own.
    ...(limitPerHost !== Number.POSITIVE_INFINITY && { timeoutMs: 0 }),
  }
  return [
    {
      ...shared,
      name: `${prefix}:get`,
      description: 'Gets a URL. Gives { status, headers, body, bodyType }, the body as JSON, text or base64.',
      inputSchema: GET_SCHEMA,
      readOnly: true,
      retry: retry ?? { maxAttempts: GET_ATTEMPTS },
    },
    {
      ...shared,
      name: `${prefix}:request`,
      description:
        'Sends an HTTP request. Gives { status, headers, body, bodyType }, the body as JSON, text or base64.',
      inputSchema: REQUEST_SCHEMA,
    },
  ]
}
