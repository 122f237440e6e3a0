import { findStringEnd } from './number-tokens.ts'
import type { JsonPath } from './replace-numbers.ts'

/**
 * Called for each value of a text, parents first.
 *
 * @param path of the value, a shared array
 * @param start offset of its first character
 * @param keyStart offset of its key's quote; -1 for an item and for the root
 * @returns `false` to end the scan
 */
export type JsonVisitor = (path: JsonPath, start: number, keyStart: number) => boolean

const SCALAR = /[^\s,\]}]*/y

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/**
 * Visits the values of a JSON text in the order of the text. Linear, and iterative, because deep nesting would overflow the
 * stack.
 * @param text valid JSON
 */
export function scanJson(text: string, visit: JsonVisitor): void {
  /** Keys and indices around the next value; the key of an object is set once it is read. */
  const path: (string | number)[] = []
  let keyStart = -1
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (isSpaceOrColon(unit)) continue
    if (unit === COMMA) {
      const last = path.at(-1)
      if (typeof last === 'number') path[path.length - 1] = last + 1
      keyStart = -1
    } else if (unit === CLOSE_ARRAY || unit === CLOSE_OBJECT) {
      path.pop()
      keyStart = -1
    } else if (unit === QUOTE && keyStart < 0 && typeof path.at(-1) === 'string') {
      keyStart = at
      const end = findStringEnd(text, at)
      path[path.length - 1] = JSON.parse(text.slice(at, end + 1)) as string
      at = end
    } else {
      if (!visit(path, at, keyStart)) return
      if (unit === OPEN_OBJECT) path.push('')
      else if (unit === OPEN_ARRAY) path.push(0)
      else if (unit === QUOTE) at = findStringEnd(text, at)
      else {
        SCALAR.lastIndex = at
        SCALAR.test(text)
        at = SCALAR.lastIndex - 1
      }
      keyStart = -1
    }
  }
}

/** Space, tab, line feed, carriage return and colon. */
function isSpaceOrColon(unit: number): boolean {
  return unit <= 0x20 || unit === 0x3a
}
