import type { JsonPath } from '../json/replace-numbers.ts'
import { JsonNumber } from '../json/json-number.ts'
import { hasLossyNumbers, parseJson } from '../json/parse-json.ts'
import { stringifyJson } from '../json/stringify-json.ts'
import { NotSerializableError, serialize } from './serialize.ts'

const TEXT_OF_NULL = 'null'

/**
 * An immutable JSON value.
 *
 * Each `read` returns a fresh copy, so that no reader can change the value of another. Objects and arrays are stored as
 * JSON text; scalars, which are immutable anyway, are stored as they are.
 */
export class JsonValue {
  static readonly null: JsonValue = new JsonValue(null, TEXT_OF_NULL)

  readonly #scalar: unknown
  #text: string | undefined
  #byteLength: number | undefined
  /** `undefined` until the text has been searched. */
  #hasExactNumbers: boolean | undefined
  /** Cache of the parsed copy that `peek` returns. */
  #shared: WeakRef<object> | undefined

  private constructor(scalar: unknown, text: string | undefined, hasExactNumbers?: boolean) {
    this.#scalar = scalar
    this.#text = text
    this.#hasExactNumbers = hasExactNumbers
  }

  /**
   * Copies `value`. `undefined`, `NaN` and the infinities become `null`; an object with `toJSON` becomes the result of
   * `toJSON`; a `JsonNumber` keeps its digits.
   * @param onNotFinite called with the path of each number that became `null`, in document order
   * @throws NotSerializableError for BigInts, cycles, functions and symbols, at any depth
   */
  static from(value: unknown, onNotFinite?: (path: JsonPath) => void): JsonValue {
    switch (typeof value) {
      case 'undefined':
        return JsonValue.null
      case 'boolean':
      case 'string':
        return new JsonValue(value, undefined, false)
      case 'number':
        // JSON has neither NaN nor the infinities, nor a negative zero.
        if (Number.isFinite(value)) return new JsonValue(value === 0 ? 0 : value, undefined, false)
        onNotFinite?.([])
        return JsonValue.null
      case 'object':
        if (value === null) return JsonValue.null
        return value instanceof JsonNumber
          ? new JsonValue(value, value.text, true)
          : JsonValue.#fromObject(value, onNotFinite)
      default:
        throw new NotSerializableError(`a ${typeof value} is not JSON`)
    }
  }

  static #fromObject(value: object, onNotFinite: ((path: JsonPath) => void) | undefined): JsonValue {
    const { text, hasExactNumbers } = serialize(value, onNotFinite)
    // A `toJSON` may return a scalar.
    return isContainer(text) ? new JsonValue(undefined, text, hasExactNumbers) : JsonValue.fromText(text)
  }

  /** Wraps a text that is known to be JSON, such as one read from a store. */
  static fromText(text: string): JsonValue {
    return isContainer(text) ? new JsonValue(undefined, text) : JsonValue.from(parseJson(text))
  }

  /** The JSON text. */
  get text(): string {
    return (this.#text ??= stringifyJson(this.#scalar))
  }

  /** Size of the JSON text, bytes of UTF-8. */
  get byteLength(): number {
    return (this.#byteLength ??= utf8Length(this.text))
  }

  /** Approximate memory, bytes. Cheap to compute. */
  get weight(): number {
    // Invariant: constant per value. Bounds add it when a value is stored and subtract it when the value is evicted.
    if (this.#scalar === undefined || this.#scalar instanceof JsonNumber) return this.text.length
    return typeof this.#scalar === 'string' ? this.#scalar.length : 8
  }

  /** Whether `read` returns a `JsonNumber` anywhere in the value. */
  get hasExactNumbers(): boolean {
    return (this.#hasExactNumbers ??= hasLossyNumbers(this.text))
  }

  /** The value if it is a string. Never parses. */
  get asString(): string | undefined {
    return typeof this.#scalar === 'string' ? this.#scalar : undefined
  }

  /** A copy owned by the caller. */
  read(): unknown {
    return this.#scalar === undefined ? this.#parse() : this.#scalar
  }

  /** The value, shared between callers: do not change it and do not pass it on. */
  peek(): unknown {
    if (this.#scalar !== undefined) return this.#scalar
    let parsed = this.#shared?.deref()
    if (parsed === undefined) {
      parsed = this.#parse() as object
      this.#shared = new WeakRef(parsed)
    }
    return parsed
  }

  /** Whether a string in it may hold a lone surrogate, which JSON can only escape. Cheap; may be a false positive. */
  get mayHoldHalf(): boolean {
    const scalar = this.#scalar
    if (typeof scalar === 'string') return !scalar.isWellFormed()
    return scalar === undefined && this.text.includes('\\ud')
  }

  /** Makes `JSON.stringify` write the value itself. */
  toJSON(): unknown {
    return this.#scalar === undefined ? this.peek() : this.#scalar
  }

  #parse(): unknown {
    return this.hasExactNumbers ? parseJson(this.text) : JSON.parse(this.text)
  }
}

/** Whether the JSON text is an object or an array. */
function isContainer(text: string): boolean {
  const first = text.charCodeAt(0)
  return first === 0x7b || first === 0x5b
}

const encoder = new TextEncoder()

/** Bytes of `text` in UTF-8. */
export function utf8Length(text: string): number {
  if (text.length > 2048) return encoder.encode(text).byteLength
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    // A surrogate pair is two units and four bytes; a lone surrogate becomes U+FFFD, three bytes.
    if (unit < 0x800) bytes += 1
    else if (unit >= 0xd800 && unit <= 0xdbff && isLowSurrogate(text.charCodeAt(i + 1))) {
      bytes += 2
      i += 1
    } else bytes += 2
  }
  return bytes
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}
