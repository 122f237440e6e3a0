/** Widths on which terminals agree: one column for these, two for East Asian script; combining marks and emoji are neither. */
const NARROW = /^[\x20-\x7e\xa0-\xac\xae-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u2027\u20ac]$/
const WIDE = /^[\u3041-\u3096\u30a1-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60]$/

/** Where the cursor of a terminal has come to since a line began, so that all of it can be taken back. */
export class TerminalPlace {
  #row = 0
  #column = 0
  #isCertain = true

  /** Begins anew where the cursor stands, which is the start of a line. */
  reset(): void {
    this.#row = 0
    this.#column = 0
    this.#isCertain = true
  }

  /** Follows text that was written: no control characters but line feeds and tabs. */
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
        // A terminal goes to the next line only with the character that does not fit any more.
        if (this.#column + width > columns) {
          this.#row += 1
          this.#column = 0
        }
        this.#column += width
      }
    }
  }

  /** What is written to take everything back; `undefined` where it has scrolled out, or nobody can say how far up it began. */
  findErasure(rows: number): string | undefined {
    if (!this.#isCertain || this.#row >= rows) return undefined
    return `\r${this.#row === 0 ? '' : `\u001b[${this.#row}A`}\u001b[J`
  }
}
