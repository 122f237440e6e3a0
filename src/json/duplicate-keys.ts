import { JsonNumber } from './json-number.ts'
import type { JsonPath } from './replace-numbers.ts'
import { findStringEnd } from './number-tokens.ts'
import { scanJson } from './scan-json.ts'
import { positionsOf, type TextPosition } from './text-position.ts'

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
  const found: { key: string; path: JsonPath; offset: number }[] = []
  /** By depth, the keys so far of the current object. */
  const keys: Set<unknown>[] = []
  scanJson(text, (path, _, keyStart) => {
    const depth = path.length
    // The keys of an object before, at the same depth.
    keys.length = depth
    if (keyStart < 0) return true
    const key = path[depth - 1] as string
    keys[depth - 1] ??= new Set()
    const known = keys[depth - 1] as Set<unknown>
    if (known.has(key)) found.push({ key, path: path.slice(0, MAX_PATH), offset: keyStart })
    known.add(key)
    return found.length < max
  })
  const positions = positionsOf(
    text,
    found.map(({ offset }) => offset),
  )
  return found.map(({ key, path }, index) => ({ key, path, position: positions[index] as TextPosition }))
}
