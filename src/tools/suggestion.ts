import { closestMatch } from 'leven'
import { cutName, quoteName } from './json-pointer.ts'

/** Maximum number of compared names: hints must not dominate the cost of a check. */
const MAX_CANDIDATES = 1000

/** Number of names that a hint lists at most, unless told otherwise. */
const MAX_LISTED = 10

/** Maximum edit distance of a suggestion. Small for short names: two changed letters of two, and one of one, are not a typo. */
function allowDistance(name: string): number {
  if (name.length <= 1) return 0
  return name.length <= 3 ? 1 : Math.max(2, Math.floor(name.length / 3))
}

/** The names that a hint may suggest, cut to the length that a message shows. */
export class Suggestions {
  readonly #candidates: readonly string[]
  readonly #count: number
  readonly #what: string
  readonly #maxListed: number

  /**
   * @param what plural noun that introduces a list of the names, such as `tools`
   * @param maxListed number of names that a list has at most
   */
  constructor(names: Iterable<string>, what: string, maxListed: number = MAX_LISTED) {
    const candidates: string[] = []
    let count = 0
    for (const name of names) {
      if (count < MAX_CANDIDATES) candidates.push(cutName(name))
      count += 1
    }
    this.#candidates = candidates
    this.#count = count
    this.#what = what
    this.#maxListed = maxListed
  }

  /** A question with the closest name, or else a list of the names. */
  hintFor(name: string): string {
    const shown = cutName(name)
    const closest = closestMatch(shown, this.#candidates, { maxDistance: allowDistance(shown) })
    // A cut name may equal the cut form of a different candidate.
    if (closest !== undefined && closest !== name) return `Did you mean ${quoteName(closest)}?`
    if (this.#count === 0) return `There are no ${this.#what}`
    const listed = this.#candidates.slice(0, this.#maxListed).map(quoteName).join(', ')
    const more = this.#count > this.#maxListed ? ` and ${this.#count - this.#maxListed} more` : ''
    return `The ${this.#what} are ${listed}${more}`
  }
}
