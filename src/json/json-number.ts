import { invalidOption } from '../errors.ts'
import { currentMark } from './mark.ts'

/** RFC 8259, 6. */
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/

/** `JSON.rawJSON` where the runtime has it (Node 21, current browsers). */
const rawJson: unknown = Reflect.get(JSON, 'rawJSON')

/**
 * A number of a JSON text that no JavaScript number stands for: an integer beyond 2^53 whose digits a double does not give
 * back, a number that overflows to infinity, or one that underflows to 0. It keeps the digits as they were written.
 *
 * Instances are frozen. `parseJson` makes them, `stringifyJson` writes them. In arithmetic and comparisons an instance is
 * the nearest double; inside text it is its digits. `BigInt(number.text)` gives an integer exactly.
 */
export class JsonNumber {
  /** The number as JSON writes it, such as `9007199254740993`, `-1e400` or `1.0E+999`. */
  readonly text: string

  /** @throws DagstreamError `INVALID_OPTION` for a text that is not a number of JSON (RFC 8259, section 6) */
  constructor(text: string) {
    if (typeof text !== 'string' || !NUMBER.test(text)) throw invalidOption('text', 'a number as JSON writes it', text)
    this.text = text
    Object.freeze(this)
  }

  /** The nearest double; `Infinity` or `-Infinity` beyond the largest one. */
  valueOf(): number {
    return Number(this.text)
  }

  /** The digits as they were written. */
  toString(): string {
    return this.text
  }

  /**
   * What `JSON.stringify` writes: the digits, as a number where the runtime has `JSON.rawJSON`, else as a string. Use
   * `stringifyJson` for a number everywhere.
   */
  toJSON(): unknown {
    const mark = currentMark()
    if (mark !== undefined) return mark + this.text
    return typeof rawJson === 'function' ? (rawJson(this.text) as unknown) : this.text
  }
}
