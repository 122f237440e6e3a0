import type { JsonPath } from '../json/replace-numbers.ts'
import { cutText } from '../text.ts'
import { writeJson } from '../json/stringify-json.ts'

/** Why a value is not JSON; the message says which part. */
export class NotSerializableError extends Error {}

/** A value as JSON text. */
export interface SerializedValue {
  readonly text: string
  /** Whether digits of a `JsonNumber` stand in it; `undefined` where that is not known. */
  readonly hasExactNumbers: boolean | undefined
}

/** What the search through a value finds beside parts that are not JSON. */
interface Search {
  readonly path: string[]
  readonly onNotFinite: ((path: JsonPath) => void) | undefined
  hasRawJson: boolean
}

/**
 * The JSON text of an object or an array.
 * @param onNotFinite called with the path of each `NaN` or infinity, which is `null` in the text; the path is not to be kept
 * @throws NotSerializableError for BigInts, cycles, functions and symbols, at any depth
 */
export function serialize(value: object, onNotFinite: ((path: JsonPath) => void) | undefined): SerializedValue {
  let found: string | undefined
  try {
    const { text, isMarked } = writeJson(value)
    if (text === undefined) return { text: 'null', hasExactNumbers: false }
    // It is free of cycles, so the walk ends.
    const search: Search = { path: [], onNotFinite, hasRawJson: false }
    found = findUnserializable(value, search)
    if (found === undefined) return { text, hasExactNumbers: isMarked || (search.hasRawJson ? undefined : false) }
  } catch (error) {
    // Getters, proxies and `toJSON` run here and may throw anything, also only the second time.
    found = error instanceof Error ? error.message.split('\n', 1)[0] : 'it cannot be read'
  }
  throw new NotSerializableError(found)
}

/** JSON.stringify leaves functions and symbols out without a word; an output that loses a part must not pass as whole. */
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
        // What `JSON.rawJSON` makes is such an object; any digits may stand in it.
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
