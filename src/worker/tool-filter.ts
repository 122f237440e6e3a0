/**
 * Whether a name matches one of the patterns: `*` stands for any characters, none included; all others for themselves.
 *
 * A linear search for the pieces between the stars, so that no pattern takes long.
 */
export function matchesAny(name: string, patterns: readonly string[]): boolean {
  return patterns.some(pattern => matches(name, pattern.split('*')))
}

function matches(name: string, pieces: readonly string[]): boolean {
  const first = pieces[0] as string
  const last = pieces.at(-1) as string
  if (pieces.length === 1) return name === first
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false
  const end = name.length - last.length
  let at = first.length
  for (const piece of pieces.slice(1, -1)) {
    const found = name.indexOf(piece, at)
    if (found < 0 || found + piece.length > end) return false
    at = found + piece.length
  }
  return true
}
