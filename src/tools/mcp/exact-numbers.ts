import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js'
import { markText, unmarkNumbers } from '../../json/marked-numbers.ts'
import { LOG_METHOD } from './parse-message.ts'

const CR = 0x0d
const LF = 0x0a

/**
 * A `fetch` for a transport that reads and writes JSON by itself: marked strings that it sends go out as numbers, and numbers
 * of results that a double would lose come in as marked strings.
 */
export function keepNumbers(fetch: FetchLike): FetchLike {
  return async (url, init = {}) => {
    const { body } = init
    const response = await fetch(url, typeof body === 'string' ? { ...init, body: unmarkNumbers(body) } : init)
    if (response.body === null) return response
    const isStream = /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')
    const marker = isStream ? new LineMarker() : new BodyMarker()
    const marked = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, out) => enqueue(out, marker.push(chunk)),
      flush: out => enqueue(out, marker.end()),
    })
    const { status, statusText, headers } = response
    return new Response(response.body.pipeThrough(marked), { status, statusText, headers })
  }
}

function enqueue(out: TransformStreamDefaultController<Uint8Array>, bytes: Uint8Array): void {
  if (bytes.byteLength > 0) out.enqueue(bytes)
}

/** Marks the data of events, line by line: no number of JSON stands on two. The transport bounds a line. */
class LineMarker {
  #chunks: Uint8Array[] = []

  push(chunk: Uint8Array): Uint8Array {
    const end = Math.max(chunk.lastIndexOf(LF), chunk.lastIndexOf(CR)) + 1
    if (end === 0) {
      this.#chunks.push(chunk)
      return EMPTY
    }
    this.#chunks.push(chunk.subarray(0, end))
    const whole = Buffer.concat(this.#chunks)
    this.#chunks = end === chunk.byteLength ? [] : [chunk.subarray(end)]
    return markBytes(whole, text =>
      text.replaceAll(/^(data: ?)(.*)$/gm, (_, name: string, data: string) => name + markText(data)),
    )
  }

  /** What has no end is no event: it is left as it is. */
  end(): Uint8Array {
    return Buffer.concat(this.#chunks.splice(0))
  }
}

/** Marks a body that is JSON as a whole. The transport bounds it. */
class BodyMarker {
  readonly #chunks: Uint8Array[] = []

  push(chunk: Uint8Array): Uint8Array {
    this.#chunks.push(chunk)
    return EMPTY
  }

  end(): Uint8Array {
    return markBytes(Buffer.concat(this.#chunks), markText)
  }
}

const EMPTY = new Uint8Array(0)

/** As Latin-1, which has a character for each byte: what JSON is built of is ASCII. Only results and log data hold marks. */
function markBytes(bytes: Buffer, mark: (text: string) => string): Uint8Array {
  if (!bytes.includes('"result"') && !bytes.includes(`"${LOG_METHOD}"`)) return bytes
  const text = bytes.toString('latin1')
  const marked = mark(text)
  return marked === text ? bytes : Buffer.from(marked, 'latin1')
}
