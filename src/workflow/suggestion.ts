import { closestMatch } from 'leven'
import { cutName, quoteName } from '../tools/json-pointer.ts'

/** As many names as are compared: a hint is a courtesy and must not become the cost of a check. */
const MAX_CANDIDATES = 1000

/** As many names as a hint lists. */
const MAX_LISTED = 10

/** How far a name may be from what was meant: of two letters, another two are no slip. */
function allowDistance(name: string): number {
  return name.length <= 3 ? 1 : Math.max(2, Math.floor(name.length / 3))
}

/** The names that a hint may suggest, cut to what a message shows. */
export class Suggestions {
  readonly #candidates: readonly string[]
  readonly #count: number
  readonly #what: string

  /** @param what the plural that a list of the names begins with, such as `tools` */
  constructor(names: Iterable<string>, what: string) {
    const candidates: string[] = []
    let count = 0
    for (const name of names) {
      if (count < MAX_CANDIDATES) candidates.push(cutName(name))
      count += 1
    }
    this.#candidates = candidates
    this.#count = count
    this.#what = what
  }

  /** A question with the closest name, else the list of what there is. */
  hintFor(name: string): string {
    const shown = cutName(name)
    const closest = closestMatch(shown, this.#candidates, { maxDistance: allowDistance(shown) })
    // A name that is cut may look like the candidate that it is not.
    if (closest !== undefined && closest !== name) return `Did you mean ${quoteName(closest)}?`
    if (this.#count === 0) return `There are no ${this.#what}`
    const listed = this.#candidates.slice(0, MAX_LISTED).map(quoteName).join(', ')
    const more = this.#count > MAX_LISTED ? ` and ${this.#count - MAX_LISTED} more` : ''
    return `The ${this.#what} are ${listed}${more}`
  }
}
