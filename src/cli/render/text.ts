import type { TokenUsage } from '../../events/token-usage.ts'
import type { TextPosition } from '../../json/text-position.ts'

// Control characters move the cursor or start an escape sequence; the rest breaks lines or changes the text direction.
const UNSAFE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu

/** Sanitizes untrusted text to one terminal-safe line: control characters become escapes, lone surrogates U+FFFD. */
export function toPlainLine(text: string): string {
  return text.toWellFormed().replace(UNSAFE, escapeCharacter)
}

/** The same for text of several lines: line feeds and tabs stay. */
export function toPlainText(text: string): string {
  return text
    .toWellFormed()
    .replace(UNSAFE, character => (character === '\n' || character === '\t' ? character : escapeCharacter(character)))
}

/** The position of a problem, for the end of its message: ` (line 2, column 5)`. */
export function showPosition({ line, column }: TextPosition): string {
  return ` (line ${line}, column ${column})`
}

/** A time for people: `4.2ms`, `310ms`, `1.24s`, `2m03s`. */
export function formatMs(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)}ms`
  if (ms < 999.5) return `${Math.round(ms)}ms`
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)}s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, '0')}s`
}

/** `1,234`. */
export function formatCount(count: number): string {
  // A server's figures are not validated: a value that is not a number must not be printed raw.
  const value = Number(count)
  // The first use of locales costs as much as loading the library; small numbers avoid it.
  return Number.isInteger(value) && Math.abs(value) < 1000 ? String(value) : value.toLocaleString('en-US')
}

/** `1 task`, `2 tasks`. */
export function formatNumberOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** `1,234 in, 5,678 out, $0.0965`; without the cost where none was reported. */
export function formatUsage({ totalTokensIn, totalTokensOut, totalCost }: TokenUsage): string {
  const tokens = `${formatCount(totalTokensIn)} in, ${formatCount(totalTokensOut)} out`
  if (totalCost === undefined) return tokens
  return `${tokens}, ${totalCost > 0 && totalCost < 0.000_05 ? '<$0.0001' : `$${totalCost.toFixed(4)}`}`
}

function escapeCharacter(character: string): string {
  if (character === '\n') return '\\n'
  if (character === '\r') return '\\r'
  if (character === '\t') return '\\t'
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
