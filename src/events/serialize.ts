import type { JsonPath } from '../json/replace-numbers.ts'
import { cutText } from '../text.ts'
import { writeJson } from '../json/stringify-json.ts'

/** A value is not JSON; the message names the part. */
export class NotSerializableError extends Error {}

/** A value as JSON text. */
export interface SerializedValue {
  readonly text: string
  /** Whether it contains the digits of a `JsonNumber`; `undefined` if unknown. */
  readonly hasExactNumbers: boolean | undefined
}

/** State of the search through a value. */
interface Search {
  readonly path: string[]
  readonly onNotFinite: ((path: JsonPath) => void) | undefined
  hasRawJson: boolean
}

/**
 * The JSON text of an object or an array.
 * @param onNotFinite called with the path of each `NaN` or infinity, which is `null` in the text; do not retain the path
 * @throws NotSerializableError for BigInts, cycles, functions and symbols, at any depth
 */
export function serialize(value: object, onNotFinite: ((path: JsonPath) => void) | undefined): SerializedValue {
  let found: string | undefined
  try {
    const { text, isMarked } = writeJson(value)
    if (text === undefined) return { text: 'null', hasExactNumbers: false }
    // `writeJson` has succeeded, so the value is free of cycles and the walk ends.
    const search: Search = { path: [], onNotFinite, hasRawJson: false }
    found = findUnserializable(value, search)
    if (found === undefined) return { text, hasExactNumbers: isMarked || (search.hasRawJson ? undefined : false) }
  } catch (error) {
    // Getters, proxies and `toJSON` run here and may throw anything, even on the second read only.
    found = error instanceof Error ? error.message.split('\n', 1)[0] : 'it cannot be read'
  }
  throw new NotSerializableError(found)
}

/** Finds functions and symbols. `JSON.stringify` omits them silently, but an output must not lose a part unnoticed. */
function findUnserializable(value: object, search: Search): string | undefined {
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return undefined
  const { path } = search
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue
    const member = (value as Record<string, unknown>)[key]
    switch (typeof member) {
      case 'function':
      case 'symbol':
        return `it has a ${typeof member} at \`${cutText([...path, key].join('.'), 199)}\``
      case 'number':
        if (!Number.isFinite(member)) search.onNotFinite?.([...path, key])
        break
      case 'string':
        // `JSON.rawJSON` returns such an object; it may hold any digits.
        if (key === 'rawJSON') search.hasRawJson = true
        break
      case 'object': {
        if (member === null) break
        path.push(key)
        const found = findUnserializable(member, search)
        if (found !== undefined) return found
        path.pop()
        break
      }
      default:
    }
  }
  return undefined
}
