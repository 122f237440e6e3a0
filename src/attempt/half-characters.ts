import type { JsonValue } from '../events/json-value.ts'
import { findHalf } from '../text.ts'
import { formatPointer, quoteName } from '../tools/json-pointer.ts'

/** A warning about an output that strict readers of JSON refuse; `undefined` for all others, which costs little. */
export function warnOfHalf(output: JsonValue): string | undefined {
  if (!output.mayHoldHalf) return undefined
  const path = findHalf(output.peek())
  if (path === undefined) return undefined
  const place = path.length === 0 ? '' : `, first at ${quoteName(formatPointer(path))}`
  return `The output contains a lone surrogate${place}; it is passed on as a JSON escape, which strict readers refuse`
}
