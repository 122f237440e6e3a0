import { describeRequest, HttpToolError } from './http-tool-error.ts'
import type { PreparedRequest } from './prepare-request.ts'
import { isHarmlessHeader, type SentSecrets } from './secrets.ts'

/**
 * The request that a redirect leads to; `undefined` if the response is not a redirect.
 *
 * Headers that may be secret are not sent to another origin, and userinfo chosen by the server is dropped.
 * @throws `HTTP_REDIRECT` if the target is not a usable URL
 */
export function findRedirect(
  request: PreparedRequest,
  status: number,
  location: string,
  secrets: SentSecrets,
): PreparedRequest | undefined {
  // RFC 9110, 15.4: 300 and 304 are not automatic redirects.
  if (![301, 302, 303, 307, 308].includes(status) || location === '') return undefined
  const url = parseLocation(location, request)
  const hasBody = keepsBody(request.method, status)
  const isSameOrigin = url.origin === request.url.origin
  const headers = new Map(
    [...request.headers].filter(([name]) => {
      return (isSameOrigin || isHarmlessHeader(name)) && (hasBody || !name.startsWith('content-'))
    }),
  )
  const method = hasBody || request.method === 'HEAD' ? request.method : 'GET'
  return {
    ...request,
    // The server may have echoed request data in the URL.
    what: describeRequest(method, url, text => secrets.redact(text)),
    method,
    url,
    headers,
    body: hasBody ? request.body : undefined,
  }
}

/** RFC 9110, 15.4: common practice turns a POST into a GET on 301 and 302, and 303 requires it. */
function keepsBody(method: string, status: number): boolean {
  return status === 303 ? method === 'GET' : status > 303 || method !== 'POST'
}

function parseLocation(location: string, { what, url: from }: PreparedRequest): URL {
  const wrong = (): HttpToolError =>
    new HttpToolError('HTTP_REDIRECT', `${what} was redirected to a target that is not an http or https URL`)
  let url: URL
  try {
    url = new URL(location, from)
  } catch {
    throw wrong()
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw wrong()
  url.username = ''
  url.password = ''
  url.hash = ''
  return url
}
