import { utf8Length } from '../../events/json-value.ts'

const LF = 0x0a

/** A line: its text, `null` if it is too long, `undefined` if it is not UTF-8. */
export type SplitLine = string | null | undefined

/** Splits text or bytes at line feeds; a carriage return before one belongs to the end of the line. Linear. */
export class LineSplitter {
  readonly #maxBytes: number
  /** The unfinished line, unless it is too long: adjacent bytes are one part, however small their chunks are. */
  #parts: (string | ByteBuffer)[] = []
  #size = 0

  /** @param maxBytes of a line, without its end */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Adds a chunk. @returns the lines that it ends */
  *split(chunk: string | Uint8Array): Iterable<SplitLine> {
    let from = 0
    const find = (): number => (typeof chunk === 'string' ? chunk.indexOf('\n', from) : chunk.indexOf(LF, from))
    for (let end = find(); end >= 0; end = find()) {
      this.#add(slice(chunk, from, end))
      yield this.#take()
      from = end + 1
    }
    if (from < chunk.length) this.#add(slice(chunk, from))
  }

  /** The line that has no end; `undefined` if there is none. */
  finish(): string | null | undefined {
    return this.#size === 0 ? undefined : (this.#take() ?? null)
  }

  #add(part: string | Uint8Array): void {
    this.#size += part.length
    // A carriage return may follow the last byte that is allowed.
    if (this.#size > this.#maxBytes + 1) this.#parts = []
    else if (part.length === 0) return
    else if (typeof part === 'string') this.#addText(part)
    else {
      const last = this.#parts.at(-1)
      if (last instanceof ByteBuffer) last.add(part)
      else this.#parts.push(new ByteBuffer(part))
    }
  }

  #addText(part: string): void {
    const { length } = this.#parts
    // An engine joins strings without a copy.
    if (typeof this.#parts[length - 1] === 'string') (this.#parts[length - 1] as string) += part
    else this.#parts.push(part)
  }

  #take(): SplitLine {
    const parts = this.#parts
    const size = this.#size
    this.#parts = []
    this.#size = 0
    if (size > this.#maxBytes + 1) return null
    const text = join(parts)
    if (text === undefined) return undefined
    const line = text.endsWith('\r') ? text.slice(0, -1) : text
    return utf8Length(line) > this.#maxBytes ? null : line
  }
}

/** Bytes that grow. It keeps copies: a producer may reuse its chunks. */
class ByteBuffer {
  #bytes: Uint8Array
  #size: number

  constructor(bytes: Uint8Array) {
    this.#bytes = Uint8Array.from(bytes)
    this.#size = bytes.length
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#size)
  }

  add(bytes: Uint8Array): void {
    const size = this.#size + bytes.length
    if (size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(size, this.#bytes.length * 2))
      grown.set(this.bytes)
      this.#bytes = grown
    }
    this.#bytes.set(bytes, this.#size)
    this.#size = size
  }
}

function slice(chunk: string | Uint8Array, from: number, to?: number): string | Uint8Array {
  return typeof chunk === 'string' ? chunk.slice(from, to) : chunk.subarray(from, to)
}

/** @returns `undefined` for bytes that are not UTF-8 */
function join(parts: readonly (string | ByteBuffer)[]): string | undefined {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    return parts.map(part => (typeof part === 'string' ? part : decoder.decode(part.bytes))).join('')
  } catch {
    return undefined
  }
}
