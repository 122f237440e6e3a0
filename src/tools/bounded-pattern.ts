/** Maximum product of the ranges of all bounded quantifiers: so many ways there are to match at one place. */
const MAX_WAYS = 1000

/** Maximum length of a pattern, and of a counted repetition. */
const MAX_LENGTH = 1000

/** An escape, a class of characters, the begin of a group, a quantifier, or another character. */
const token = /\\[^]|\[(?:\\[^]|[^\]\\])*\]|\((?:\?[:=!]|\?<[=!]?)?|\{(\d+)(,(\d*))?\}\??|[*+?]\??|[^]/gu

/**
 * Whether a regular expression takes linear time for any text: it has at most one quantifier without a bound, which is
 * in no group that is repeated, and begins with `^` if it has one. Refuses some that would be linear, too.
 */
export function isBoundedPattern(pattern: string): boolean {
  if (pattern.length > MAX_LENGTH) return false
  let ways = 1
  let unboundedCount = 0
  let depth = 0
  let hasOuterChoice = false
  let before = ''
  for (const match of pattern.matchAll(token)) {
    const [text, least, comma, most] = match
    const first = text[0] as string
    if (first === '\\' && /[1-9k]/.test(text[1] ?? '')) return false
    if (first === '(') {
      // Lookarounds are tried at each place.
      if (text !== '(' && text !== '(?:' && text !== '(?<') return false
      depth += 1
    } else if (first === ')') depth -= 1
    else if (first === '|' && depth === 0) hasOuterChoice = true
    else if (first === '?') ways *= 2
    else if (first === '*' || first === '+' || (comma !== undefined && most === '')) {
      if (before === ')') return false
      unboundedCount += 1
    } else if (least !== undefined) {
      const end = Number(most ?? least)
      if (before === ')' || end > MAX_LENGTH) return false
      ways *= end - Number(least) + 1
    }
    before = first
  }
  const isAnchored = pattern.startsWith('^') && !hasOuterChoice
  return ways <= MAX_WAYS && (unboundedCount === 0 || (unboundedCount === 1 && isAnchored))
}
