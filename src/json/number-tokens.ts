/** A number of a JSON text, as a range of it: UTF-16 units, the end excluded. */
export interface NumberToken {
  readonly start: number
  readonly end: number
}

/**
 * Finds no place in a text without a number that a double loses: those have 16 digits or an exponent. Strings are not told
 * apart, so a match is only a reason to look closer.
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
 * The numbers of a JSON text that would not come back from a double: `isLossy` of each. Linear; a regular expression alone
 * where there is nothing to be found. What is not a number by the grammar is left for `JSON.parse` to refuse.
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

/** The place of the quote that ends the string which begins at `start`; -1 if it does not end. */
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

/** Quoted by mistake it would become a valid key. */
function isKey(text: string, end: number): boolean {
  KEY_END.lastIndex = end
  return KEY_END.test(text)
}

/**
 * Whether a number of JSON has another value than what a double of it would be written as: infinite, 0 though it has other
 * digits, or of a magnitude of 2^53 or more with different digits. Below 2^53 only digits of a fraction are lost, which is
 * what a double is.
 */
function isLossy(token: string): boolean {
  if (!NUMBER.test(token)) return false
  const value = Number(token)
  if (!Number.isFinite(value)) return true
  if (value === 0) return /^[-0.]*[1-9]/.test(token)
  return Math.abs(value) > Number.MAX_SAFE_INTEGER && toDecimal(token) !== toDecimal(String(value))
}

/** One form for each value: its digits without zeros at either end, and the power of ten of the last one. */
function toDecimal(token: string): string {
  const [mantissa = '', exponent = '0'] = token.toLowerCase().split('e')
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.')
  const digits = (whole + fraction).replace(/^0+/, '')
  let end = digits.length
  while (digits.charCodeAt(end - 1) === ZERO) end -= 1
  return `${digits.slice(0, end)}e${Number(exponent) - fraction.length + digits.length - end}`
}
