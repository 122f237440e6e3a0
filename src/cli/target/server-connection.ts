import { describeCause } from '../../client/describe-cause.ts'
import type { Fetch } from '../../client/transport.ts'
import { createUndiciFetch, type UndiciFetch } from '../../integrations/llm/undici-fetch.ts'
import { findProxy } from '../../integrations/proxy.ts'
import { LIMITS } from '../../workflow/document.ts'
import { type CliProcess, UsageError } from '../process/console.ts'
import { formatCount } from '../render/text.ts'

/** The flags that select a server. */
export interface ServerFlags {
  /** Base URL of its routes. */
  readonly server: string
  readonly token?: string
}

/**
 * Client options for a server. A connection that fails before any succeeded is reported as unreachable; a body above the
 * server's limit is rejected before it is sent; the proxy of the environment is used.
 * @throws UsageError for a token that no request can carry
 */
export function describeServer(
  { server, token }: ServerFlags,
  process: CliProcess,
): { readonly url: string; readonly fetch: Fetch; readonly headers: Record<string, string> } {
  const found = findToken(token, process)
  const send = createSender(process)
  let isReached = false
  return {
    url: server,
    async fetch(request) {
      if (!isPlan(request)) await expectSendable(request)
      try {
        const response = await send(request)
        isReached = true
        return response
      } catch (error) {
        if (isReached || request.signal.aborted) throw error
        throw new UnreachableError(`Cannot reach a server at ${server}: ${describeCause(error)}`, { cause: error })
      }
    },
    headers: found === undefined ? {} : { Authorization: `Bearer ${found}` },
  }
}

/** The global `fetch`, which supports no proxy, if none is configured: it needs no loading. */
function createSender({ env }: CliProcess): Fetch {
  let sendByProxy: UndiciFetch | undefined
  return async request => {
    if (findProxy(new URL(request.url), env) === undefined) return globalThis.fetch(request)
    if (isPlan(request))
      throw new ProxiedPlanError('A plan cannot be sent by a proxy while it is written: exclude the server by NO_PROXY')
    sendByProxy ??= createUndiciFetch(() => env)
    const { url, method, signal } = request
    const body = request.body === null ? undefined : await request.text()
    const headers = Object.fromEntries(request.headers)
    return sendByProxy(url, { method, headers, redirect: 'manual', signal, ...(body !== undefined && { body }) })
  }
}

/** Whether the body is a plan, which is sent while it is written. */
function isPlan({ headers }: Request): boolean {
  return headers.get('content-type') === 'application/x-ndjson'
}

/** A proxy is configured for the server of a plan; nothing was sent. */
class ProxiedPlanError extends UsageError {
  /** Read by the client. */
  readonly retryable = false
}

/** @throws OversizeError for a body that the server would answer with 413, perhaps while it is still being sent */
async function expectSendable(request: Request): Promise<void> {
  if (request.body === null) return
  const { byteLength } = await request.clone().arrayBuffer()
  if (byteLength <= LIMITS.maxBodyBytes) return
  const [size, most] = [byteLength, LIMITS.maxBodyBytes].map(formatCount)
  throw new OversizeError(
    `The request has ${size} bytes, and a server takes at most ${most}. Let tasks read large data themselves, or run without --server`,
  )
}

/** The body exceeds the server's limit; nothing was sent. */
class OversizeError extends UsageError {
  /** Read by the client. */
  readonly retryable = false
}

/** No connection was ever established. */
class UnreachableError extends Error {
  override readonly name: string = 'UnreachableError'
  /** Read by the client. */
  readonly retryable = false
}

/** The token of the flag, else of `DAGSTREAM_TOKEN`. @throws UsageError, which does not show it, for one that cannot be sent */
export function findToken(flag: string | undefined, { env }: CliProcess): string | undefined {
  const token = flag ?? env['DAGSTREAM_TOKEN']
  // An empty token is rejected: it would suggest protection that does not exist.
  if (token === undefined || /^[!-~]+$/.test(token)) return token
  const [name, help] = flag === undefined ? ['DAGSTREAM_TOKEN', '; unset it to use no token'] : ['--token', '']
  throw new UsageError(`Expected ${name} to be one or more visible ASCII characters${help}`)
}
