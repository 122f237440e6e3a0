import { ProxyError } from '../proxy.ts'
import { AddressRefusedError } from './connect/guarded-connector.ts'
import { HttpToolError } from './http-tool-error.ts'
import { BodyTooLargeError } from './body/read-body.ts'
import { BodyCodingError } from './body/unpack.ts'
import { cutText } from '../../text.ts'

/** Certificate errors, which are permanent. */
const CERTIFICATE = /^(?:CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/

/** Maps the failure of a request to a tool error by its code; the text of unknown errors is never quoted. */
export function toHttpToolError(error: unknown, what: string): HttpToolError {
  if (error instanceof HttpToolError) return error
  if (error instanceof AddressRefusedError) {
    const message = `${what} leads to an address that is not public; \`allowPrivateAddresses\` would allow it`
    return new HttpToolError('HTTP_ADDRESS_NOT_ALLOWED', message)
  }
  if (error instanceof BodyTooLargeError) {
    return new HttpToolError('HTTP_RESPONSE_TOO_LARGE', `${what}: the answer is larger than \`maxResponseBytes\``)
  }
  if (error instanceof BodyCodingError) {
    const message = `${what}: the answer cannot be decompressed: ${error.message}`
    return new HttpToolError('HTTP_INVALID_RESPONSE', message, { retryable: error.cause !== undefined, cause: error })
  }
  if (error instanceof SyntaxError) {
    return new HttpToolError('HTTP_INVALID_RESPONSE', `${what}: the answer is declared as JSON, but it is not`, {
      cause: error,
    })
  }
  if (error instanceof ProxyError) {
    const name = error.code === 'PROXY_TIMEOUT' ? 'HTTP_TIMEOUT' : 'HTTP_NETWORK_ERROR'
    return new HttpToolError(name, `${what} failed: ${error.message}`, { retryable: error.retryable, cause: error })
  }
  const code = readCode(error)
  if (/^UND_ERR_(?:HEADERS|BODY|CONNECT)_TIMEOUT$/.test(code)) {
    return new HttpToolError('HTTP_TIMEOUT', `${what} failed: ${code}`, { retryable: true, cause: error })
  }
  const retryable = !CERTIFICATE.test(code)
  return new HttpToolError('HTTP_NETWORK_ERROR', `${what} failed: ${code}`, { retryable, cause: error })
}

function readCode(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' ? cutText(code, 60) : 'the connection was cut'
}
