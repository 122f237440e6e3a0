import { ProblemError } from './problem.ts'
import { readStringLiteral } from './string-literal.ts'
import type { Literal } from './syntax-tree.ts'

/** A token of an expression; `symbol` includes the operator `in`. */
export type Token = { readonly start: number; readonly end: number } & (
  | { readonly kind: 'literal'; readonly value: Literal }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'symbol'; readonly symbol: string }
  | { readonly kind: 'end' }
)

const BLANKS = /(?:[ \t\n\r\f]+|\/\/[^\n]*)*/y
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y
const NUMBER = /0[xX][0-9a-fA-F]+|(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?/y
const SYMBOL = /==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,()[\]{}]/y
const QUOTED = /([rR]?)(?=["'])/y
const BYTES = /(?:[bB][rR]?|[rR][bB])["']/y

const WORDS: Readonly<Record<string, Literal>> = { true: true, false: false, null: null }

/** Characters of other languages, and what this one has instead. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/\$/y, 'Write names without `$` and braces: `input.name`, `output.ID`, `status.ID`'],
  [/=/y, 'Did you mean `==`?'],
  [/&/y, 'Did you mean `&&`?'],
  [/\|/y, 'Did you mean `||`?'],
  [/;/y, 'A condition is one expression'],
]

/**
 * Splits a source into tokens; the last one is the end.
 * @throws ProblemError
 */
export function readTokens(source: string): readonly Token[] {
  const tokens: Token[] = []
  for (let at = skipBlanks(source, 0); at < source.length; ) {
    const token = readToken(source, at)
    tokens.push(token)
    at = skipBlanks(source, token.end)
  }
  tokens.push({ kind: 'end', start: source.length, end: source.length })
  return tokens
}

function skipBlanks(source: string, at: number): number {
  return at + (match(BLANKS, source, at)?.length ?? 0)
}

function readToken(source: string, start: number): Token {
  const raw = match(QUOTED, source, start)
  if (raw !== undefined) {
    const { value, end } = readStringLiteral(source, start + raw.length, raw !== '')
    return { kind: 'literal', value, start, end }
  }
  if (match(BYTES, source, start) !== undefined) {
    throw new ProblemError('Conditions have no bytes', start, 'Write a string without `b`')
  }
  const name = match(NAME, source, start)
  if (name !== undefined) {
    const end = start + name.length
    if (name === 'in') return { kind: 'symbol', symbol: name, start, end }
    if (Object.hasOwn(WORDS, name)) return { kind: 'literal', value: WORDS[name] as Literal, start, end }
    return { kind: 'name', name, start, end }
  }
  const number = match(NUMBER, source, start)
  if (number !== undefined) return readNumber(source, start, number)
  const symbol = match(SYMBOL, source, start)
  const end = start + (symbol?.length ?? 0)
  if (symbol !== undefined && !isForeign(source, symbol, end)) return { kind: 'symbol', symbol, start, end }
  throw unexpectedCharacter(source, symbol === undefined ? start : end)
}

/** Whether a symbol is the beginning of `===` or `!==`. */
function isForeign(source: string, symbol: string, end: number): boolean {
  return (symbol === '==' || symbol === '!=') && source[end] === '='
}

function readNumber(source: string, start: number, text: string): Token {
  const end = start + text.length
  const behind = match(NAME, source, end)
  if (behind !== undefined) {
    const hint = /^[uU]$/.test(behind) ? 'Conditions have no unsigned integers: leave `u` out' : undefined
    throw new ProblemError(`Expected an operator after the number, found \`${behind.slice(0, 40)}\``, end, hint)
  }
  const value = /^0[xX]|^[0-9]+$/.test(text) ? BigInt(text) : Number(text)
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new ProblemError('The number is beyond the largest double', start)
  }
  return { kind: 'literal', value, start, end }
}

function unexpectedCharacter(source: string, at: number): ProblemError {
  const shown = String.fromCodePoint(source.codePointAt(at) as number).toWellFormed()
  const hint = HINTS.find(([pattern]) => match(pattern, source, at) !== undefined)?.[1]
  return new ProblemError(`Expected an expression, found the character \`${shown}\``, at, hint)
}

/** The text that a sticky pattern matches at `at`. */
function match(pattern: RegExp, source: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(source)?.[0]
}
