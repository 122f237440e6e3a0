import { CONDITION_LIMITS } from './limits.ts'
import { isBinaryOperator, PRECEDENCE } from './precedence.ts'
import { ProblemError } from './problem.ts'
import type { SyntaxNode } from './syntax-tree.ts'
import { readTokens, type Token } from './tokens.ts'

/** Names that CEL reserves. They may be fields: `input.if`. */
const RESERVED = new Set(
  'as break const continue else for function if import let loop package namespace return var void while'.split(' '),
)

/** Words of other languages, and the operators that they mean. */
const WORD_OPERATORS = new Map([
  ['and', '&&'],
  ['or', '||'],
  ['not', '!'],
  ['is', '=='],
])

const OPTIONAL_HINT = 'Check it first: `has(a.b) && a.b == 1`'

const MAX_INTEGER = 2n ** 63n - 1n

/**
 * Parses an expression of CEL: literals, names, fields, indices, calls, lists, maps and operators.
 * @throws ProblemError
 */
export function parseExpression(source: string): SyntaxNode {
  return new Parser(source).parse()
}

class Parser {
  readonly #source: string
  readonly #tokens: readonly Token[]
  #position = 0
  #depth = 0
  #nodeCount = 0

  constructor(source: string) {
    this.#source = source
    this.#tokens = readTokens(source)
  }

  parse(): SyntaxNode {
    const node = this.#parseTernary()
    if (this.#next.kind !== 'end') throw this.#unexpected('an operator or the end')
    return node
  }

  get #next(): Token {
    return this.#tokens[this.#position] as Token
  }

  #take(): Token {
    const token = this.#next
    if (token.kind !== 'end') this.#position += 1
    return token
  }

  /** Takes the symbol if it is the next token. */
  #accept(symbol: string): Token | undefined {
    const { kind } = this.#next
    return kind === 'symbol' && this.#next.symbol === symbol ? this.#take() : undefined
  }

  #expect(symbol: string): Token {
    const token = this.#accept(symbol)
    if (token === undefined) throw this.#unexpected(`\`${symbol}\``)
    return token
  }

  #parseTernary(): SyntaxNode {
    this.#enter()
    const condition = this.#parseBinary(1)
    const mark = this.#accept('?')
    let node = condition
    if (mark !== undefined) {
      const whenTrue = this.#parseBinary(1)
      this.#expect(':')
      const whenFalse = this.#parseTernary()
      const place = { at: mark.start, start: condition.start, end: whenFalse.end }
      node = this.#add({ kind: 'ternary', condition, whenTrue, whenFalse, ...place })
    }
    this.#depth -= 1
    return node
  }

  /** Parses operators of at least this level, by precedence climbing. */
  #parseBinary(level: number): SyntaxNode {
    let left = this.#parseUnary()
    for (;;) {
      const token = this.#next
      if (token.kind !== 'symbol' || !isBinaryOperator(token.symbol)) return left
      const found = PRECEDENCE[token.symbol]
      if (found < level) return left
      this.#take()
      const right = this.#parseBinary(found + 1)
      const place = { at: token.start, start: left.start, end: right.end }
      left = this.#add({ kind: 'binary', operator: token.symbol, left, right, ...place })
    }
  }

  #parseUnary(): SyntaxNode {
    const operator = this.#accept('!') ?? this.#accept('-')
    if (operator === undefined) return this.#parseMember()
    const { start } = operator
    if (this.#source[start] === '-' && this.#next.kind === 'literal' && typeof this.#next.value === 'bigint') {
      // Folded, because the smallest integer has no positive counterpart.
      return this.#parseAccess(this.#addInteger(-this.#next.value, start, this.#take().end))
    }
    this.#enter()
    const operand = this.#parseUnary()
    this.#depth -= 1
    const sign = this.#source[start] === '!' ? '!' : '-'
    return this.#add({ kind: 'unary', operator: sign, operand, at: start, start, end: operand.end })
  }

  #parseMember(): SyntaxNode {
    return this.#parseAccess(this.#parsePrimary())
  }

  /** Parses the fields, indices and methods after a value. */
  #parseAccess(value: SyntaxNode): SyntaxNode {
    let node = value
    for (;;) {
      if (this.#accept('.') !== undefined) node = this.#parseField(node)
      else if (this.#accept('[') !== undefined) {
        const index = this.#parseTernary()
        const { end } = this.#expect(']')
        node = this.#add({ kind: 'index', operand: node, index, at: index.start, start: node.start, end })
      } else return node
    }
  }

  #parseField(operand: SyntaxNode): SyntaxNode {
    const token = this.#next
    if (token.kind !== 'name') {
      throw this.#unexpected('the name of a field', token, this.#accept('?') && OPTIONAL_HINT)
    }
    this.#take()
    const { start: at, end, name } = token
    if (this.#accept('(') === undefined) {
      return this.#add({ kind: 'select', operand, field: name, at, start: operand.start, end })
    }
    const { items, end: closedAt } = this.#parseItems(')')
    return this.#add({ kind: 'call', name, target: operand, arguments: items, at, start: operand.start, end: closedAt })
  }

  #parsePrimary(): SyntaxNode {
    const token = this.#next
    const { start } = token
    if (token.kind === 'literal') {
      const { end } = this.#take()
      if (typeof token.value === 'bigint') return this.#addInteger(token.value, start, end)
      return this.#add({ kind: 'literal', value: token.value, at: start, start, end })
    }
    if (token.kind === 'name') return this.#parseName(token.name)
    if (this.#accept('(') !== undefined) {
      const inner = this.#parseTernary()
      this.#expect(')')
      return inner
    }
    if (this.#accept('[') !== undefined) {
      const { items, end } = this.#parseItems(']')
      return this.#add({ kind: 'list', items, at: start, start, end })
    }
    if (this.#accept('{') !== undefined) {
      if (this.#source.startsWith('{{', start))
        throw this.#unexpected('a key', this.#next, 'Write names without braces')
      return this.#parseMap(start)
    }
    const isOptional = this.#source.slice(start - 1, start + 1) === '?.'
    throw this.#unexpected('a value', token, isOptional ? OPTIONAL_HINT : undefined)
  }

  #parseName(name: string): SyntaxNode {
    const { start, end } = this.#take()
    if (RESERVED.has(name)) throw new ProblemError(`The word \`${name}\` is reserved and names nothing`, start)
    if (this.#accept('(') === undefined) {
      const operator = WORD_OPERATORS.get(name)
      if (operator !== undefined && this.#next.kind !== 'symbol' && this.#next.kind !== 'end')
        throw wordOperator(name, start, operator)
      return this.#add({ kind: 'name', name, at: start, start, end })
    }
    const { items, end: closedAt } = this.#parseItems(')')
    return this.#add({ kind: 'call', name, arguments: items, at: start, start, end: closedAt })
  }

  /** Parses values separated by commas up to `close`. A comma may follow the last one of a list. */
  #parseItems(close: ')' | ']'): { items: readonly SyntaxNode[]; end: number } {
    const items: SyntaxNode[] = []
    for (;;) {
      const closing = (items.length === 0 || close === ']') && this.#accept(close)
      if (closing) return { items, end: closing.end }
      items.push(this.#parseTernary())
      if (this.#accept(',') === undefined) return { items, end: this.#expect(close).end }
    }
  }

  #parseMap(start: number): SyntaxNode {
    const entries: (readonly [SyntaxNode, SyntaxNode])[] = []
    for (;;) {
      const closing = this.#accept('}')
      if (closing !== undefined) return this.#add({ kind: 'map', entries, at: start, start, end: closing.end })
      const key = this.#parseTernary()
      this.#expect(':')
      entries.push([key, this.#parseTernary()])
      if (this.#accept(',') === undefined) {
        return this.#add({ kind: 'map', entries, at: start, start, end: this.#expect('}').end })
      }
    }
  }

  #addInteger(value: bigint, start: number, end: number): SyntaxNode {
    if (value <= MAX_INTEGER && value >= -MAX_INTEGER - 1n) {
      return this.#add({ kind: 'literal', value: value, at: start, start, end })
    }
    throw new ProblemError('The integer does not fit into 64 bits', start, 'Write it as a double: `1e19`')
  }

  #add(node: SyntaxNode): SyntaxNode {
    this.#nodeCount += 1
    if (this.#nodeCount <= CONDITION_LIMITS.maxNodes) return node
    throw new ProblemError(
      `Expected at most ${CONDITION_LIMITS.maxNodes.toLocaleString('en')} names, values and operators`,
      node.at,
    )
  }

  #enter(): void {
    this.#depth += 1
    if (this.#depth <= CONDITION_LIMITS.maxDepth) return
    throw new ProblemError(`Expected at most ${CONDITION_LIMITS.maxDepth} levels of nesting`, this.#next.start)
  }

  #unexpected(expected: string, token: Token = this.#next, hint?: string): ProblemError {
    const found = token.kind === 'end' ? 'the end' : `\`${this.#source.slice(token.start, token.end).slice(0, 40)}\``
    const operator = token.kind === 'name' ? WORD_OPERATORS.get(token.name) : undefined
    if (token.kind === 'name' && operator !== undefined) return wordOperator(token.name, token.start, operator)
    return new ProblemError(`Expected ${expected}, found ${found.toWellFormed()}`, token.start, hint)
  }
}

function wordOperator(word: string, at: number, operator: string): ProblemError {
  return new ProblemError(`\`${word}\` is not an operator`, at, `Did you mean \`${operator}\`?`)
}
