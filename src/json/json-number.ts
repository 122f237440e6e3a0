import { invalidOption } from '../errors.ts'
import { currentMark } from './mark.ts'

/** RFC 8259, 6. */
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/

/** `JSON.rawJSON` if the runtime supports it (Node 21, current browsers). */
const rawJson: unknown = Reflect.get(JSON, 'rawJSON')

/**
 * A number of a JSON text that no JavaScript number represents: an integer beyond 2^53 whose digits a double loses, a
 * number that overflows to infinity, or one that underflows to 0. It keeps the digits of the source text.
 *
 * Instances are frozen. `parseJson` creates them, `stringifyJson` writes them. In arithmetic and comparisons an
 * instance is the nearest double; in text it is its digits. `BigInt(number.text)` returns an integer exactly.
 */
export class JsonNumber {
  /** The number in JSON syntax, such as `9007199254740993`, `-1e400` or `1.0E+999`. */
  readonly text: string

  /** @throws DagstreamError `INVALID_OPTION` for a text that is not a JSON number (RFC 8259, section 6) */
  constructor(text: string) {
    if (typeof text !== 'string' || !NUMBER.test(text)) throw invalidOption('text', 'a number as JSON writes it', text)
    this.text = text
    Object.freeze(this)
  }

  /** The nearest double; `Infinity` or `-Infinity` beyond the largest one. */
  valueOf(): number {
    return Number(this.text)
  }

  /** The digits of the source text. */
  toString(): string {
    return this.text
  }

  /**
   * The value for `JSON.stringify`: the digits, as a number if the runtime supports `JSON.rawJSON`, otherwise as a
   * string. Use `stringifyJson` to write a number in every runtime.
   */
  toJSON(): unknown {
    const mark = currentMark()
    if (mark !== undefined) return mark + this.text
    return typeof rawJson === 'function' ? (rawJson(this.text) as unknown) : this.text
  }
}
