import type { Tool } from '../../tools/tool.ts'
import type { HttpSettings, HttpToolsOptions } from './http-options.ts'
import { GET_SCHEMA, REQUEST_SCHEMA } from './http-request.ts'
import { maskRequest } from './mask-request.ts'

/** Attempts of `http:get`, which is safe to repeat. */
const GET_ATTEMPTS = 3

/** Defines both tools over one shared function. */
export function defineHttpTools(
  { prefix, limitPerHost }: HttpSettings,
  { limit, retry }: HttpToolsOptions,
  execute: Tool['execute'],
): [get: Tool, request: Tool] {
  const shared = {
    execute,
    exactNumbers: true,
    maskArguments: maskRequest,
    ...(limit !== undefined && { limit }),
    // Waiting for a host does not count: the request has its own timeout.
    ...(limitPerHost !== Number.POSITIVE_INFINITY && { timeoutMs: 0 }),
  }
  return [
    {
      ...shared,
      name: `${prefix}:get`,
      description: 'Gets a URL. Returns { status, headers, body, bodyType }, the body as JSON, text or base64.',
      inputSchema: GET_SCHEMA,
      readOnly: true,
      retry: retry ?? { maxAttempts: GET_ATTEMPTS },
    },
    {
      ...shared,
      name: `${prefix}:request`,
      description:
        'Sends an HTTP request. Returns { status, headers, body, bodyType }, the body as JSON, text or base64.',
      inputSchema: REQUEST_SCHEMA,
    },
  ]
}
