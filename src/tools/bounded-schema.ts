import { quoteName } from './json-pointer.ts'
import { isBoundedPattern } from './bounded-pattern.ts'

/** Maximum number of subschemas that one check visits: one that refers to itself twice can visit any number. */
const MAX_VISITS = 100_000

/** Maximum time of one check, ms: a part may compare a text of a megabyte. Reached by schemas that are made for it only. */
const MAX_CHECK_MS = 1000

/** Maximum number of patterns in one `patternProperties`: each is tried for each key. */
const MAX_PATTERNS = 16

const PATTERN_ADVICE = 'Begin it with `^`, bound all quantifiers but one as in `{1,20}`, and repeat no group'

/** The subschemas of a schema. */
export type Subschemas = readonly Readonly<Record<string, unknown>>[]

/**
 * Finds a keyword whose check may take more than linear time. A schema that comes with a document must not be able to
 * occupy the event loop.
 * @returns what is wrong, with advice
 */
export function findUnboundedKeyword(schemas: Subschemas): string | undefined {
  for (const { pattern, patternProperties, uniqueItems, format } of schemas) {
    const patterns = [...(typeof pattern === 'string' ? [pattern] : []), ...Object.keys(patternProperties ?? {})]
    const slow = patterns.find(each => !isBoundedPattern(each))
    if (slow !== undefined) return `the pattern ${quoteName(slow)} may take too long. ${PATTERN_ADVICE}`
    if (Object.keys(patternProperties ?? {}).length > MAX_PATTERNS)
      return `\`patternProperties\` has more than ${MAX_PATTERNS} patterns`
    if (uniqueItems === true) return '`uniqueItems` may take too long. Leave it out'
    if (format === 'url') return 'the format `url` may take too long. Use `uri`'
  }
  return undefined
}

/** Bounds the visits of subschemas and their time. */
export class VisitBudget {
  #left = MAX_VISITS
  #end = 0

  /** @param schemas as the validator reads them */
  constructor(schemas: Subschemas) {
    const spend = (): void => {
      this.#left -= 1
      if (this.#left < 0) throw new RangeError(`more than ${MAX_VISITS.toLocaleString('en')} parts of the schema apply`)
      if (performance.now() > this.#end) throw new RangeError(`it takes more than ${MAX_CHECK_MS} ms`)
    }
    // The validator reads each keyword once per visit. This one has a meaning in no draft but 2019-09.
    for (const schema of schemas) {
      const { $recursiveRef } = schema
      Object.defineProperty(schema, '$recursiveRef', {
        enumerable: false,
        get() {
          spend()
          return $recursiveRef
        },
      })
    }
  }

  /** Begins a check. */
  reset(): void {
    this.#left = MAX_VISITS
    this.#end = performance.now() + MAX_CHECK_MS
  }
}
