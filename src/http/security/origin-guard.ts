import { problem } from '../answers/problem.ts'

/**
 * The answer to a request from a page of an origin that is neither allowed nor the server's own; `undefined` for any other.
 *
 * MCP, transports, Streamable HTTP: a server must check `Origin`, against DNS rebinding. Programs send none.
 */
export function refuseOrigin(request: Request, allowed: readonly string[]): Response | undefined {
  const origin = request.headers.get('origin')
  if (origin === null || allowed.includes(origin)) return undefined
  const host = request.headers.get('host') ?? new URL(request.url).host
  if (URL.canParse(origin) && new URL(origin).host === host.toLowerCase()) return undefined
  const detail = 'This `Origin` is not allowed; use one of the `allowedOrigins` of the server'
  return problem(403, { title: 'Forbidden', detail, code: 'ORIGIN_NOT_ALLOWED' })
}
