import { MASKED } from '../../tools/mask-arguments.ts'
import type { HttpRequest } from './http-request.ts'
import { hasSecretName, isHarmlessHeader } from './secrets.ts'

/**
 * The arguments of a request as people may see them: without the credentials of its URL, without parameters whose names sound
 * secret, and without the values of all but harmless headers, such as `authorization`, `cookie` and keys.
 */
export function maskRequest(given: Record<string, unknown>): unknown {
  const { url, headers, query } = given as Partial<Record<keyof HttpRequest, unknown>>
  return {
    ...given,
    ...(typeof url === 'string' && { url: maskUrl(url) }),
    ...(isRecord(headers) && { headers: maskMembers(headers, name => !isHarmlessHeader(name.toLowerCase())) }),
    ...(isRecord(query) && { query: maskMembers(query, hasSecretName) }),
  }
}

function maskUrl(text: string): string {
  if (!URL.canParse(text)) return MASKED
  const [start = '', fragment] = text.split('#', 2)
  const [place = '', search] = start.split(/\?(.*)/s, 2)
  // Only what is secret changes: a parsed URL would be written in another spelling.
  const clean = place.replace(/^([^/]*\/\/)[^/]*@/, `$1${MASKED}@`)
  const pairs = search?.split('&').map(pair => {
    const name = pair.split('=', 1)[0] as string
    return pair.includes('=') && hasSecretName(name) ? `${name}=${MASKED}` : pair
  })
  return `${clean}${pairs === undefined ? '' : `?${pairs.join('&')}`}${fragment === undefined ? '' : `#${fragment}`}`
}

function maskMembers(members: Record<string, unknown>, isSecret: (name: string) => boolean): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, isSecret(name) ? MASKED : value]))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
