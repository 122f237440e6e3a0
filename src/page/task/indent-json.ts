/**
 * Indents a JSON text without parsing it, so that numbers keep their digits. The text is one that a server or `JSON.stringify`
 * wrote.
 */
export function indentJson(text: string): string {
  const parts: string[] = []
  let depth = 0
  let from = 0
  const line = (): string => `\n${'  '.repeat(depth)}`
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string
    if (char === '"') {
      at = findStringEnd(text, at)
      continue
    }
    if (char === '{' || char === '[') {
      const isEmpty = text[at + 1] === (char === '{' ? '}' : ']')
      if (isEmpty) {
        at += 1
        continue
      }
      depth += 1
      parts.push(text.slice(from, at + 1), line())
    } else if (char === '}' || char === ']') {
      depth -= 1
      parts.push(text.slice(from, at), line(), char)
    } else if (char === ',') parts.push(text.slice(from, at + 1), line())
    else if (char === ':') parts.push(text.slice(from, at + 1), ' ')
    else continue
    from = at + 1
  }
  parts.push(text.slice(from))
  return parts.join('')
}

/** The index of the quote that ends a string. */
function findStringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at += 1
    else if (text[at] === '"') return at
  }
  return text.length
}
