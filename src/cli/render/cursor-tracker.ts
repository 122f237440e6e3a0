import { countColumns, hasCertainWidth } from '../render/columns.ts'

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
        // The column no longer matters once it is uncertain.
        this.#isCertain &&= hasCertainWidth(character)
        const width = this.#isCertain ? countColumns(character) : 1
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
