import { ProblemError } from './problem.ts'

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  '?': '?',
  '"': '"',
  "'": "'",
  '`': '`',
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** Escapes with digits: `\x41`, `\u0041`, `\U00000041`, `\101`. */
const NUMERIC_ESCAPE = /[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})/y

/** A string literal of an expression. */
export interface StringLiteral {
  readonly value: string
  /** Offset after it. */
  readonly end: number
}

/**
 * Reads the literal whose opening quote is at `quoteAt`: `'…'`, `"…"`, `'''…'''` or `"""…"""`.
 * @param isRaw whether `\` is an ordinary character
 * @throws ProblemError
 */
export function readStringLiteral(source: string, quoteAt: number, isRaw: boolean): StringLiteral {
  const quote = source[quoteAt] as string
  const isTriple = source.startsWith(quote.repeat(3), quoteAt)
  const delimiter = isTriple ? quote.repeat(3) : quote
  let value = ''
  let at = quoteAt + delimiter.length
  while (!source.startsWith(delimiter, at)) {
    const character = source[at]
    if (character === undefined) {
      throw new ProblemError(`Expected the string to end with ${delimiter}`, quoteAt, `Add ${delimiter}`)
    }
    if (!isTriple && (character === '\n' || character === '\r')) {
      throw new ProblemError('Expected the string to end on its line', at, 'Write `\\n` for a line break')
    }
    if (character === '\\' && !isRaw) {
      const escape = readEscape(source, at)
      value += escape.value
      at = escape.end
    } else {
      value += character
      at += 1
    }
  }
  return { value, end: at + delimiter.length }
}

function readEscape(source: string, at: number): StringLiteral {
  const letter = source[at + 1] ?? ''
  if (Object.hasOwn(SIMPLE_ESCAPES, letter)) return { value: SIMPLE_ESCAPES[letter] as string, end: at + 2 }
  NUMERIC_ESCAPE.lastIndex = at + 1
  const match = NUMERIC_ESCAPE.exec(source)
  if (match !== null) {
    const [all, byte, short, long, octal] = match
    const code =
      octal === undefined ? Number.parseInt((byte ?? short ?? long) as string, 16) : Number.parseInt(octal, 8)
    const isSurrogate = code >= 0xd800 && code <= 0xdfff
    if (code <= 0x10ffff && !isSurrogate) return { value: String.fromCodePoint(code), end: at + 1 + all.length }
  }
  throw new ProblemError(
    `\`${source.slice(at, at + 2)}\` is not an escape sequence of strings`,
    at,
    'For the character `\\` itself write two of them, or a raw string as in r"\\d"',
  )
}
