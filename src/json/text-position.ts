/** A position in a text. */
export interface TextPosition {
  /** From 1; a line ends with a line feed. */
  readonly line: number
  /** From 1, UTF-16 units, as in the Language Server Protocol. */
  readonly column: number
}

/** The position of the UTF-16 unit at `offset`. */
export function positionOf(text: string, offset: number): TextPosition {
  return positionsOf(text, [offset])[0] as TextPosition
}

/** The positions of the UTF-16 units at these offsets. Reads the text once. */
export function positionsOf(text: string, offsets: readonly number[]): TextPosition[] {
  const positions = new Map<number, TextPosition>()
  let line = 1
  let lineStart = 0
  let lineEnd = text.indexOf('\n')
  for (const offset of [...offsets].sort((a, b) => a - b)) {
    while (lineEnd !== -1 && lineEnd < offset) {
      line += 1
      lineStart = lineEnd + 1
      lineEnd = text.indexOf('\n', lineStart)
    }
    positions.set(offset, { line, column: offset - lineStart + 1 })
  }
  return offsets.map(offset => positions.get(offset) as TextPosition)
}
