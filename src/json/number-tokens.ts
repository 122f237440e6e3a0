/** The range of a number in a JSON text: UTF-16 offsets, `end` exclusive. */
export interface NumberToken {
  readonly start: number
  readonly end: number
}

/**
 * Pre-check: numbers that a double loses have at least 16 digits or an exponent, so a text without a match has none.
 * Strings may match as well, so a match requires the full scan.
 */
const SUSPECT = /(?:^|[\s:,[])-?(?:[0-9]{16}|[0-9]+(?:\.[0-9]+)?[eE])/

const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/
const TOKEN = /[0-9.eE+-]+/y
const KEY_END = /[ \t\n\r]*:/y

const QUOTE = 0x22
const BACKSLASH = 0x5c
const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39

/**
 * Finds the numbers of a JSON text that a double loses. Linear; a single regular expression for most texts without one.
 * Invalid numbers are skipped, so that `JSON.parse` rejects them.
 */
export function findLossyNumbers(text: string): readonly NumberToken[] {
  if (!SUSPECT.test(text)) return NONE
  const found: NumberToken[] = []
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === QUOTE) {
      at = findStringEnd(text, at)
      if (at < 0) break
    } else if (unit === MINUS || (unit >= ZERO && unit <= NINE)) {
      TOKEN.lastIndex = at
      TOKEN.test(text)
      const end = TOKEN.lastIndex
      if (mayBeLossy(text, at, end) && isLossy(text.slice(at, end)) && !isKey(text, end)) found.push({ start: at, end })
      at = end - 1
    }
  }
  return found
}

const NONE: readonly NumberToken[] = Object.freeze([])

/** Offset of the closing quote of the string that begins at `start`; -1 if it is unterminated. */
export function findStringEnd(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end > 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0
  while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes += 1
  return slashes % 2 === 1
}

function mayBeLossy(text: string, start: number, end: number): boolean {
  if (end - start >= 16) return true
  for (let at = start; at < end; at++) if ((text.charCodeAt(at) | 0x20) === 0x65) return true
  return false
}

/** Whether a number stands in the position of a key: marked as a string, the invalid key would become valid. */
function isKey(text: string, end: number): boolean {
  KEY_END.lastIndex = end
  return KEY_END.test(text)
}

/**
 * Whether a double loses a JSON number: it overflows to infinity, underflows to 0, or has a magnitude of 2^53 or more and
 * other digits as a double. Below 2^53 only digits of a fraction are lost, which is the accepted precision of a double.
 */
function isLossy(token: string): boolean {
  if (!NUMBER.test(token)) return false
  const value = Number(token)
  if (!Number.isFinite(value)) return true
  if (value === 0) return /^[-0.]*[1-9]/.test(token)
  return Math.abs(value) > Number.MAX_SAFE_INTEGER && toDecimal(token) !== toDecimal(String(value))
}

/** Canonical form of a value: its digits without leading and trailing zeros, and the power of ten of the last digit. */
function toDecimal(token: string): string {
  const [mantissa = '', exponent = '0'] = token.toLowerCase().split('e')
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.')
  const digits = (whole + fraction).replace(/^0+/, '')
  let end = digits.length
  while (digits.charCodeAt(end - 1) === ZERO) end -= 1
  return `${digits.slice(0, end)}e${Number(exponent) - fraction.length + digits.length - end}`
}
