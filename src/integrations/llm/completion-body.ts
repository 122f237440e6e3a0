import { describeOversize } from './completion-reader.ts'
import type { Exchange } from './exchange.ts'
import type { StreamMeter } from './stream-meter.ts'

/** Read timeout of a body that is not an answer, ms. */
const ERROR_BODY_MS = 5000

/** A response whose body is being read. */
export interface OpenResponse {
  readonly exchange: Exchange
  readonly meter: StreamMeter
}

/** The possible line starts of an event stream. */
const FIRST_FIELDS: readonly string[] = ['data:', 'event:', 'id:', 'retry:', ':']

/** Maximum white space before the first line, bytes. */
const MAX_HEAD_BYTES = 64 * 1024

/** The first chunks of a body that starts like an event stream; `undefined` for any other body. */
export async function readStreamHead({ exchange }: OpenResponse): Promise<Uint8Array[] | undefined> {
  const chunks: Uint8Array[] = []
  const decoder = new TextDecoder()
  let text = ''
  for (;;) {
    const chunk = await exchange.read()
    if (chunk === undefined) return undefined
    chunks.push(chunk)
    text = (text + decoder.decode(chunk, { stream: true })).trimStart()
    if (FIRST_FIELDS.some(field => text.startsWith(field))) return chunks
    const bytes = chunks.reduce((sum, { length }) => sum + length, 0)
    if (bytes > MAX_HEAD_BYTES || !FIRST_FIELDS.some(field => field.startsWith(text))) return undefined
  }
}

/** The body of a response that is not an answer; `''` if it fails, is too long or times out, which is not an error. */
export async function readAside(call: OpenResponse, maxBytes: number): Promise<string> {
  call.exchange.hurry(ERROR_BODY_MS)
  try {
    return await readText(call, maxBytes)
  } catch {
    return ''
  }
}

/** The whole body as text. @throws ProviderError `PROVIDER_INVALID_RESPONSE` beyond `maxBytes` */
export async function readText({ exchange, meter }: OpenResponse, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for (;;) {
    const chunk = await exchange.read()
    if (chunk === undefined) return text + decoder.decode()
    meter.noteChunk(chunk.length)
    bytes += chunk.length
    if (bytes > maxBytes) throw describeOversize()
    text += decoder.decode(chunk, { stream: true })
  }
}
