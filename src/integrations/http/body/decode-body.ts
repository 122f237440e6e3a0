import { parseJson } from '../../../json/parse-json.ts'
import type { HttpResponse } from '../http-request.ts'

/** Decoded body and its type. */
export type DecodedBody = Pick<HttpResponse, 'body' | 'bodyType'>

const JSON_TYPE = /^(?:application|text)\/json$|\+json$/
const TEXT_TYPE =
  /^text\/|\+xml$|^application\/(?:xml|javascript|ecmascript|x-ndjson|jsonl|yaml|x-yaml|toml|sql|graphql|x-www-form-urlencoded)$/

/**
 * Decodes JSON and text by content type, base64 otherwise. A body without a type is text if it is valid UTF-8. JSON numbers
 * that a double cannot represent become `JsonNumber`s.
 * @throws `SyntaxError` for invalid JSON
 */
export function decodeBody(bytes: Uint8Array, contentType: string): DecodedBody {
  const [type = '', ...parameters] = contentType.split(';').map(part => part.trim())
  const name = type.toLowerCase()
  if (JSON_TYPE.test(name)) {
    const body: unknown = bytes.byteLength === 0 ? null : parseJson(decodeText(bytes, 'utf-8'))
    return { body, bodyType: 'json' }
  }
  if (TEXT_TYPE.test(name)) return { body: decodeText(bytes, findCharset(parameters)), bodyType: 'text' }
  if (name === '') {
    try {
      return { body: new TextDecoder('utf-8', { fatal: true }).decode(bytes), bodyType: 'text' }
    } catch {
      // Not text.
    }
  }
  return { body: Buffer.from(bytes).toString('base64'), bodyType: 'base64' }
}

/** The body as text: JSON unparsed, other types if valid UTF-8; `undefined` if it is not text. */
export function decodeTextBody(bytes: Uint8Array, contentType: string): DecodedBody | undefined {
  const decoded = decodeBody(bytes, contentType.replace(/^[^;]*json\b/i, 'text/plain'))
  if (decoded.bodyType === 'text') return decoded
  const { body, bodyType } = decodeBody(bytes, '')
  return bodyType === 'text' ? { body, bodyType } : undefined
}

function findCharset(parameters: readonly string[]): string {
  for (const parameter of parameters) {
    const charset = /^charset *= *"?([^"\s]+)"?$/i.exec(parameter)?.[1]
    if (charset !== undefined) return charset
  }
  return 'utf-8'
}

/** WHATWG Encoding, 6.1 "decode": a byte order mark overrides the declared charset. */
function decodeText(bytes: Uint8Array, charset: string): string {
  const label = findMark(bytes) ?? charset
  let decoder: TextDecoder
  try {
    decoder = new TextDecoder(label)
  } catch {
    // Unknown charset: UTF-8 still decodes most of a text.
    decoder = new TextDecoder()
  }
  return decoder.decode(bytes)
}

function findMark([first, second, third]: Uint8Array): string | undefined {
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  return first === 0xff && second === 0xfe ? 'utf-16le' : undefined
}
