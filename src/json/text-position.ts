/** A position in a text. */
export interface TextPosition {
  /** From 1. */
  readonly line: number
  /** From 1, UTF-16 units. */
  readonly column: number
}

/** The position of the UTF-16 unit at `offset`. */
export function positionOf(text: string, offset: number): TextPosition {
  let line = 1
  let lineStart = 0
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) {
    line += 1
    lineStart = at + 1
  }
  return { line, column: offset - lineStart + 1 }
}
