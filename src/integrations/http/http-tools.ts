import { Agent, buildConnector } from 'undici'
import { makeSendable } from '../../tools/sendable-arguments.ts'
import type { Tool } from '../../tools/tool.ts'
import { abortable } from './connect/abortable-connector.ts'
import { defineHttpTools } from './define-tools.ts'
import { CONNECT_TIMEOUT_MS, createGuardedConnector, guardNames } from './connect/guarded-connector.ts'
import { HostLimits } from './host-limits.ts'
import { matchesRule, namesAddress, type Target } from './host-rules.ts'
import { type HttpSettings, type HttpToolsOptions, resolveHttpOptions } from './http-options.ts'
import type { HttpRequest, HttpResponse } from './http-request.ts'
import { prepareRequest, withTrace } from './prepare-request.ts'
import { proxied } from './connect/proxied-connector.ts'
import { withResets } from './connect/reset-connector.ts'
import { type HttpSession, sendRequest } from './send-request.ts'

/**
 * The tools `http:get` and `http:request`: requests and responses as data.
 *
 * They connect to public addresses only, and errors and events contain no secret of a request. Connections are shared by both
 * tools; idle ones close after seconds and keep no process alive.
 * @throws `INVALID_OPTION`
 */
export function httpTools(options: HttpToolsOptions = {}): Tool[] {
  const settings = resolveHttpOptions(options)
  const session: HttpSession = {
    settings,
    limits: new HostLimits(settings.limitPerHost),
    dispatcher: new Agent({ connect: abortable(withResets(createConnector(settings))) }),
  }
  return defineHttpTools(settings, options, (args, { signal, log, traceparent }): Promise<HttpResponse> => {
    // Already validated by the schema.
    const request = prepareRequest(makeSendable(args, log) as unknown as HttpRequest)
    return sendRequest(withTrace(request, traceparent), session, signal)
  })
}

function createConnector(settings: HttpSettings): buildConnector.connector {
  const isTrusted = (target: Target): boolean => mayBePrivate(target, settings)
  const direct = createGuardedConnector(isTrusted, settings.lookup)
  if (settings.proxy === 'never') return direct
  const overTunnel = buildConnector({ timeout: CONNECT_TIMEOUT_MS })
  return guardNames(
    isTrusted,
    proxied(direct, overTunnel, () => process.env),
  )
}

function mayBePrivate(target: Target, { privateHosts, allowedHosts = [] }: HttpSettings): boolean {
  if (privateHosts === true) return true
  const named = [...privateHosts, ...allowedHosts.filter(namesAddress)]
  return named.some(rule => matchesRule(rule, target))
}
