import { isUtf8 } from 'node:buffer'

/**
 * Decodes a header value whose bytes undici has read as Latin-1. RFC 9110, 5.5 leaves bytes beyond ASCII open: valid UTF-8 is
 * decoded, anything else stays Latin-1.
 */
export function decodeHeader(value: string): string {
  const bytes = findBytes(value)
  return bytes !== undefined && isUtf8(bytes) ? bytes.toString('utf8') : value
}

/** The same for a URL. Bytes that are not UTF-8 are percent-encoded, so that the server receives them unchanged. */
export function decodeLocation(value: string): string {
  const bytes = findBytes(value)
  if (bytes === undefined) return value
  if (isUtf8(bytes)) return bytes.toString('utf8')
  return value.replaceAll(/[\u0080-\u00ff]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** `undefined` for pure ASCII, and for text outside Latin-1. */
function findBytes(value: string): Buffer | undefined {
  return /[\u0080-\u00ff]/.test(value) && !/[^\0-\u00ff]/.test(value) ? Buffer.from(value, 'latin1') : undefined
}
