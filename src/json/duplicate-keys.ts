import { JsonNumber } from './json-number.ts'
import type { JsonPath } from './replace-numbers.ts'
import { findStringEnd } from './number-tokens.ts'
import { positionOf, type TextPosition } from './text-position.ts'

/** A repeated key of an object. */
export interface DuplicateKey {
  readonly key: string
  /** Path of the member. Beyond 100 levels, path of the enclosing object at that level. */
  readonly path: JsonPath
  /** Position of the later key. */
  readonly position: TextPosition
}

/** Maximum length of a path: a document of one megabyte may be nested half a million levels deep. */
const MAX_PATH = 100

/** An unclosed object or array. */
interface Open {
  /** The keys of an object so far; `undefined` for an array. */
  readonly keys: Set<string> | undefined
  /** Key or index of the current member. */
  at: string | number
  isBeforeKey: boolean
}

/**
 * Finds at most `max` repeated keys of objects in a JSON text, comparing them unescaped.
 *
 * Linear. Fast path without duplicates: the text and the parsed value then have the same number of keys.
 * @param text valid JSON
 * @param value the result of `JSON.parse` or `parseJson` for it
 */
export function findDuplicateKeys(text: string, value: unknown, max = 1): readonly DuplicateKey[] {
  return countKeysInText(text) === countKeysInValue(value) ? [] : listDuplicateKeys(text, max)
}

/** Counts colons outside of strings: each follows a key. */
function countKeysInText(text: string): number {
  let count = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === QUOTE) at = findStringEnd(text, at)
    else if (unit === COLON) count += 1
  }
  return count
}

const QUOTE = 0x22
const COLON = 0x3a

/** Iterative, because deep nesting would overflow the stack. */
function countKeysInValue(value: unknown): number {
  let count = 0
  const waiting = [value]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next !== 'object' || next === null || next instanceof JsonNumber) continue
    if (!Array.isArray(next)) count += Object.keys(next).length
    for (const member of Object.values(next)) if (typeof member === 'object' && member !== null) waiting.push(member)
  }
  return count
}

function listDuplicateKeys(text: string, max: number): DuplicateKey[] {
  const found: DuplicateKey[] = []
  const open: Open[] = []
  for (let at = 0; at < text.length && found.length < max; at++) {
    const inner = open.at(-1)
    switch (text[at]) {
      case '{':
        open.push({ keys: new Set(), at: '', isBeforeKey: true })
        break
      case '[':
        open.push({ keys: undefined, at: 0, isBeforeKey: false })
        break
      case '}':
      case ']':
        open.pop()
        break
      case ',':
        if (inner?.keys !== undefined) inner.isBeforeKey = true
        else if (typeof inner?.at === 'number') inner.at += 1
        break
      case '"': {
        const end = findStringEnd(text, at)
        if (inner?.keys !== undefined && inner.isBeforeKey) {
          const key = JSON.parse(text.slice(at, end + 1)) as string
          inner.at = key
          inner.isBeforeKey = false
          if (inner.keys.has(key)) {
            found.push({ key, path: open.slice(0, MAX_PATH).map(each => each.at), position: positionOf(text, at) })
          }
          inner.keys.add(key)
        }
        at = end
        break
      }
      default:
    }
  }
  return found
}
