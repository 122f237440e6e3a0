/**
 * Characters of a width on which terminals agree: one column for these, two for East Asian script. Terminals disagree on
 * combining marks and emoji.
 */
const NARROW = /^[\x20-\x7e\xa0-\xac\xae-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u2027\u20ac]$/
const WIDE = /^[\u3041-\u3096\u30a1-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60]$/

/** Tracks the terminal cursor since the start of a line, so that the written text can be erased. */
export class CursorTracker {
  #row = 0
  #column = 0
  #isCertain = true

  /** Restarts at the cursor, which must be at the start of a line. */
  reset(): void {
    this.#row = 0
    this.#column = 0
    this.#isCertain = true
  }

  /** Advances over written text, whose only control characters are line feeds and tabs. */
  advance(text: string, columns: number): void {
    for (const character of text) {
      if (character === '\n') {
        this.#row += 1
        this.#column = 0
      } else if (character === '\t') {
        this.#column = Math.min(columns - 1, (Math.floor(this.#column / 8) + 1) * 8)
      } else {
        const isWide = WIDE.test(character)
        this.#isCertain &&= isWide || NARROW.test(character)
        const width = isWide ? 2 : 1
        // A terminal wraps only at the first character that does not fit.
        if (this.#column + width > columns) {
          this.#row += 1
          this.#column = 0
        }
        this.#column += width
      }
    }
  }

  /** The escape sequence that erases the text; `undefined` if it has scrolled out or its start is unknown. */
  findErasure(rows: number): string | undefined {
    if (!this.#isCertain || this.#row >= rows) return undefined
    return `\r${this.#row === 0 ? '' : `\u001b[${this.#row}A`}\u001b[J`
  }
}
