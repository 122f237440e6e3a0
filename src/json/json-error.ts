import { positionOf, type TextPosition } from './text-position.ts'

const SPACE = /[ \t\n\r]*/y
// RFC 8259, 7: all characters except quote, backslash and those below U+0020 may be unescaped.
const UNESCAPED = /[ !#-[\]-\uffff]*/y
const ESCAPED = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
const QUOTE = /"/y
const SCALAR =
  /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![0-9A-Za-z.])|(?:true|false|null)(?![0-9A-Za-z])/y

/**
 * Finds the first position where `text` violates the grammar of RFC 8259; `undefined` if it is valid.
 *
 * Needed because `JSON.parse` reports a position only sometimes, and not in every version of Node. `JSON.parse` alone
 * decides whether a text is JSON; call this function after it has failed.
 */
export function findJsonError(text: string): TextPosition | undefined {
  const open: ('{' | '[')[] = []
  let at = 0
  let expected: 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'comma-or-end' = 'value'

  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    if (!pattern.test(text)) return false
    at = pattern.lastIndex
    return true
  }
  // Iterative, because a single pattern would backtrack through every division of an unterminated string.
  const takeString = (): boolean => {
    if (!take(QUOTE)) return false
    do take(UNESCAPED)
    while (take(ESCAPED))
    return take(QUOTE)
  }
  for (;;) {
    take(SPACE)
    const isInObject = open.at(-1) === '{'
    const character = text[at]
    if (expected === 'comma-or-end' && open.length === 0) return at === text.length ? undefined : positionOf(text, at)

    if (expected !== 'value' && expected !== 'key' && open.length > 0 && character === (isInObject ? '}' : ']')) {
      open.pop()
      at += 1
      expected = 'comma-or-end'
    } else if (expected === 'comma-or-end') {
      if (character !== ',') return positionOf(text, at)
      at += 1
      expected = isInObject ? 'key' : 'value'
    } else if (expected === 'key' || expected === 'key-or-end') {
      if (!takeString() || !take(SPACE) || text[at] !== ':') return positionOf(text, at)
      at += 1
      expected = 'value'
    } else if (character === '{' || character === '[') {
      open.push(character)
      at += 1
      expected = character === '{' ? 'key-or-end' : 'value-or-end'
    } else {
      if (!takeString() && !take(SCALAR)) return positionOf(text, at)
      expected = 'comma-or-end'
    }
  }
}
