import type { JsonPath } from '../json/replace-numbers.ts'
import { formatPointer } from '../tools/json-pointer.ts'
import { shortenText } from '../text.ts'

/** Maximum number of places that a message names. */
const MAX_NAMED = 5

/** Maximum length of a named pointer, characters. */
const MAX_POINTER = 200

/** Counts places inside a value, and keeps the first ones for a message. */
export class Places {
  readonly #named: string[] = []
  #count = 0

  add(path: JsonPath): void {
    this.#count += 1
    if (this.#named.length === MAX_NAMED) return
    const pointer = formatPointer(path)
    this.#named.push(shortenText(pointer, MAX_POINTER))
  }

  get count(): number {
    return this.#count
  }

  /** The places as JSON Pointers: `` at `/id`, `/items/3` and 2 more ``. Empty where the value itself is the only place. */
  describe(): string {
    if (this.#count === 1 && this.#named[0] === '') return ''
    const more = this.#count > this.#named.length ? ` and ${this.#count - this.#named.length} more` : ''
    return ` at ${this.#named.map(pointer => `\`${pointer}\``).join(', ')}${more}`
  }
}
