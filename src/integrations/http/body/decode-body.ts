import { parseJson } from '../../../json/parse-json.ts'
import type { HttpResponse } from '../http-request.ts'

/** A body's data and how to read it. */
export type DecodedBody = Pick<HttpResponse, 'body' | 'bodyType'>

const JSON_TYPE = /^(?:application|text)\/json$|\+json$/
const TEXT_TYPE =
  /^text\/|\+xml$|^application\/(?:xml|javascript|ecmascript|x-ndjson|jsonl|yaml|x-yaml|toml|sql|graphql|x-www-form-urlencoded)$/

/**
 * JSON and text by the content type, base64 for the rest. What has no type is text where it is UTF-8. Numbers of JSON that a
 * double loses are `JsonNumber`s.
 * @throws `SyntaxError` for JSON that is none
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
      // It is no text.
    }
  }
  return { body: Buffer.from(bytes).toString('base64'), bodyType: 'base64' }
}

/** The body as text: JSON unparsed, and of any other type what is UTF-8; `undefined` for what is no text. */
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

/** WHATWG Encoding, 6.1 "decode": a byte order mark comes before what the type says. */
function decodeText(bytes: Uint8Array, charset: string): string {
  const label = findMark(bytes) ?? charset
  let decoder: TextDecoder
  try {
    decoder = new TextDecoder(label)
  } catch {
    // A charset that nobody knows: most of a text is still read.
    decoder = new TextDecoder()
  }
  return decoder.decode(bytes)
}

function findMark([first, second, third]: Uint8Array): string | undefined {
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  return first === 0xff && second === 0xfe ? 'utf-16le' : undefined
}
