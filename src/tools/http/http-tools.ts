import { Agent } from 'undici'
import type { Tool } from '../tool.ts'
import { createGuardedConnector } from './guarded-connector.ts'
import { HostLimits } from './host-limits.ts'
import { matchesRule, namesAddress, type Target } from './host-rules.ts'
import { type HttpSettings, type HttpToolsOptions, resolveHttpOptions } from './http-options.ts'
import { GET_SCHEMA, type HttpRequest, type HttpResponse, REQUEST_SCHEMA } from './http-request.ts'
import { prepareRequest } from './prepare-request.ts'
import { type HttpSession, sendRequest } from './send-request.ts'

/** Attempts of `http:get`, which changes nothing. */
const GET_ATTEMPTS = 3

/**
 * The tools `http:get` and `http:request`: requests and answers as data.
 *
 * Only public addresses are connected to, and nothing that a request has to keep secret is told in errors or events.
 * Connections are shared by both tools; idle ones close after seconds and keep no process alive.
 * @throws `INVALID_OPTION`
 */
export function httpTools(options: HttpToolsOptions = {}): Tool[] {
  const settings = resolveHttpOptions(options)
  const session: HttpSession = {
    settings,
    limits: new HostLimits(settings.limitPerHost),
    dispatcher: new Agent({
      connect: createGuardedConnector(target => mayBePrivate(target, settings), settings.lookup),
    }),
  }
  const execute: Tool['execute'] = (args, { signal }): Promise<HttpResponse> =>
    // The schema has checked them.
    sendRequest(prepareRequest(args as unknown as HttpRequest), session, signal)
  const shared = {
    execute,
    ...(options.limit !== undefined && { limit: options.limit }),
    // Time spent waiting for a host is not the request's: it has a time-out of its own.
    ...(settings.limitPerHost !== Number.POSITIVE_INFINITY && { timeoutMs: 0 }),
  }
  const { prefix } = settings
  const get: Tool = {
    ...shared,
    name: `${prefix}:get`,
    description: 'Gets a URL. Gives { status, headers, body, bodyType }, the body as JSON, text or base64.',
    inputSchema: GET_SCHEMA,
    readOnly: true,
    retry: options.retry ?? { maxAttempts: GET_ATTEMPTS },
  }
  const request: Tool = {
    ...shared,
    name: `${prefix}:request`,
    description: 'Sends an HTTP request. Gives { status, headers, body, bodyType }, the body as JSON, text or base64.',
    inputSchema: REQUEST_SCHEMA,
  }
  return [get, request]
}

function mayBePrivate(target: Target, { privateHosts, allowedHosts = [] }: HttpSettings): boolean {
  if (privateHosts === true) return true
  const named = [...privateHosts, ...allowedHosts.filter(namesAddress)]
  return named.some(rule => matchesRule(rule, target))
}
