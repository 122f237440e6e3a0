import { cutText } from '../text.ts'

/** Why a value is not JSON; the message says which part. */
export class NotSerializableError extends Error {}

/** The text of the one value that stands for nothing. */
const TEXT_OF_NULL = 'null'

/**
 * A value as JSON sees it, made once and never changed.
 *
 * Whoever reads it gets a copy of their own, so that no reader can change what another sees. Objects and arrays are kept as
 * their JSON text; scalars, which nobody can change, as they are.
 */
export class JsonValue {
  static readonly null: JsonValue = new JsonValue(null, TEXT_OF_NULL)

  readonly #scalar: unknown
  #text: string | undefined
  #byteLength: number | undefined
  /** The last parsed copy that `peek` handed out, for as long as memory allows. */
  #shared: WeakRef<object> | undefined

  private constructor(scalar: unknown, text: string | undefined) {
    this.#scalar = scalar
    this.#text = text
  }

  /**
   * Takes a snapshot of `value`. `undefined` becomes `null`, what has a `toJSON` is what that returns, `NaN` is `null`.
   * @throws NotSerializableError for BigInts, cycles, functions and symbols, at any depth
   */
  static from(value: unknown): JsonValue {
    switch (typeof value) {
      case 'undefined':
        return JsonValue.null
      case 'boolean':
      case 'string':
        return new JsonValue(value, undefined)
      case 'number':
        // JSON knows neither NaN nor the infinities, nor a negative zero.
        return Number.isFinite(value) ? new JsonValue(value === 0 ? 0 : value, undefined) : JsonValue.null
      case 'object':
        return value === null ? JsonValue.null : JsonValue.fromText(stringify(value))
      default:
        throw new NotSerializableError(`a ${typeof value} is not JSON`)
    }
  }

  /** Takes over a text that is known to be JSON, as a store hands it back. */
  static fromText(text: string): JsonValue {
    const first = text.charCodeAt(0)
    const isContainer = first === 0x7b || first === 0x5b
    return isContainer ? new JsonValue(undefined, text) : JsonValue.from(JSON.parse(text))
  }

  /** The JSON text. */
  get text(): string {
    return (this.#text ??= JSON.stringify(this.#scalar))
  }

  /** Size of the JSON text, bytes of UTF-8. */
  get byteLength(): number {
    return (this.#byteLength ??= utf8Length(this.text))
  }

  /** About how much memory it takes, bytes; cheap. */
  get weight(): number {
    // Never changes: bounds add it up when a value comes and subtract it when it goes.
    if (this.#scalar === undefined) return this.text.length
    return typeof this.#scalar === 'string' ? this.#scalar.length : 8
  }

  /** A copy that belongs to the caller. */
  read(): unknown {
    return this.#scalar === undefined ? JSON.parse(this.text) : this.#scalar
  }

  /** The value to look at and never to change or to hand on: shared between callers. */
  peek(): unknown {
    if (this.#scalar !== undefined) return this.#scalar
    let parsed = this.#shared?.deref()
    if (parsed === undefined) {
      parsed = JSON.parse(this.text) as object
      this.#shared = new WeakRef(parsed)
    }
    return parsed
  }

  /** Whether a text in it may hold half of a surrogate pair, which JSON can only escape; cheap. */
  get mayHoldHalf(): boolean {
    const scalar = this.#scalar
    if (typeof scalar === 'string') return !scalar.isWellFormed()
    return scalar === undefined && this.text.includes('\\ud')
  }

  /** So that a `JsonValue` inside other data is stringified as what it stands for. */
  toJSON(): unknown {
    return this.#scalar === undefined ? this.peek() : this.#scalar
  }
}

function stringify(value: object): string {
  let found: string | undefined
  try {
    const text = JSON.stringify(value) as string | undefined
    if (text === undefined) return TEXT_OF_NULL
    // It is free of cycles, so the walk ends.
    found = findUnserializable(value, '')
    if (found === undefined) return text
  } catch (error) {
    // Getters, proxies and `toJSON` run here and may throw anything, also only the second time.
    found = error instanceof Error ? error.message.split('\n', 1)[0] : 'it cannot be read'
  }
  throw new NotSerializableError(found)
}

/** JSON.stringify leaves functions and symbols out without a word; an output that loses a part must not pass as whole. */
function findUnserializable(value: object, path: string): string | undefined {
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return undefined
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue
    const member = (value as Record<string, unknown>)[key]
    if (typeof member === 'function' || typeof member === 'symbol') {
      return `it has a ${typeof member} at \`${cutText(`${path}.${key}`.slice(1), 199)}\``
    }
    if (typeof member === 'object' && member !== null) {
      const found = findUnserializable(member, `${path}.${key}`)
      if (found !== undefined) return found
    }
  }
  return undefined
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
