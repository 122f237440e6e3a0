import { invalidOption } from '../../errors.ts'
import { isConnectionHeader } from '../http/prepare-request.ts'

/**
 * The chat completions URL of an endpoint.
 * @throws `INVALID_OPTION`, which does not quote the URL: it may contain a password
 */
export function parseEndpoint(baseURL: string): URL {
  const expected = 'an http or https URL without a password'
  let url: URL
  try {
    url = new URL(baseURL)
  } catch {
    throw invalidOption('baseURL', expected, undefined)
  }
  if (!/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw invalidOption('baseURL', expected, `${url.protocol}//…`)
  }
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/chat/completions`
  url.hash = ''
  return url
}

/**
 * Headers by lower-case name.
 * @throws `INVALID_OPTION`, which quotes no value: it may be a key
 */
export function parseHeaders(given: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  let headers: [name: string, value: string][]
  try {
    headers = [...new Headers(given)]
  } catch {
    throw invalidOption('headers', 'names and values that HTTP allows', undefined)
  }
  const wrong = headers.find(([name]) => isConnectionHeader(name))
  if (wrong !== undefined) throw invalidOption('headers', 'headers of the request, not of its connection', wrong[0])
  return Object.fromEntries(headers)
}
