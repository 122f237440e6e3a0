const NEWLINE = 0x0a

/**
 * Splits a stream of bytes into lines of UTF-8 without line ends. Empty lines are omitted.
 *
 * Buffers at most `maxBytes` of a line. A longer line is returned once, cut at the bound, and its rest is dropped.
 */
export class LineSplitter {
  readonly #maxBytes: number
  #parts: Buffer[] = []
  #byteCount = 0
  #isDropping = false

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** @returns the lines that ended in this chunk, and the line that exceeded the bound in it */
  push(chunk: Buffer): { readonly text: string; readonly isCut: boolean }[] {
    const lines: { text: string; isCut: boolean }[] = []
    let from = 0
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      this.#hold(chunk.subarray(from, at), lines)
      if (!this.#isDropping) this.#give(lines, false)
      this.#isDropping = false
      from = at + 1
    }
    this.#hold(chunk.subarray(from), lines)
    return lines
  }

  #hold(part: Buffer, lines: { text: string; isCut: boolean }[]): void {
    if (this.#isDropping || part.length === 0) return
    const room = this.#maxBytes - this.#byteCount
    this.#parts.push(part.length > room ? part.subarray(0, room) : part)
    this.#byteCount += part.length
    if (part.length <= room) return
    this.#give(lines, true)
    this.#isDropping = true
  }

  #give(lines: { text: string; isCut: boolean }[], isCut: boolean): void {
    const [first] = this.#parts
    const bytes = this.#parts.length === 1 && first ? first : Buffer.concat(this.#parts)
    this.#parts = []
    this.#byteCount = 0
    const text = bytes.toString('utf8').replace(/\r$/, '')
    if (text !== '') lines.push({ text, isCut })
  }
}
