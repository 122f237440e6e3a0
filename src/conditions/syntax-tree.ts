/** Operators between two operands. All are left-associative. */
export type BinaryOperator = '||' | '&&' | '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | '+' | '-' | '*' | '/' | '%'

/** Place of a node in its source. Offsets are UTF-16 units from 0. */
interface Place {
  readonly start: number
  readonly end: number
  /** Offset that a message about the node points at: the operator, the field, the name of the function. */
  readonly at: number
}

export type Literal = null | boolean | number | bigint | string

/** A node of an expression, as written: names and types are not resolved. An integer literal is a BigInt. */
export type SyntaxNode = Place &
  (
    | { readonly kind: 'literal'; readonly value: Literal }
    | { readonly kind: 'name'; readonly name: string }
    | { readonly kind: 'select'; readonly operand: SyntaxNode; readonly field: string }
    | { readonly kind: 'index'; readonly operand: SyntaxNode; readonly index: SyntaxNode }
    | CallParts
    | { readonly kind: 'list'; readonly items: readonly SyntaxNode[] }
    | { readonly kind: 'map'; readonly entries: readonly (readonly [key: SyntaxNode, value: SyntaxNode])[] }
    | { readonly kind: 'unary'; readonly operator: '!' | '-'; readonly operand: SyntaxNode }
    | BinaryParts
    | {
        readonly kind: 'ternary'
        readonly condition: SyntaxNode
        readonly whenTrue: SyntaxNode
        readonly whenFalse: SyntaxNode
      }
  )

interface CallParts {
  readonly kind: 'call'
  readonly name: string
  /** The value before the dot; absent in `size(x)`. */
  readonly target?: SyntaxNode
  readonly arguments: readonly SyntaxNode[]
}

interface BinaryParts {
  readonly kind: 'binary'
  readonly operator: BinaryOperator
  readonly left: SyntaxNode
  readonly right: SyntaxNode
}

/** A call of a function, a method or a macro. */
export type CallNode = Place & CallParts

/** An operator between two operands. */
export type BinaryNode = Place & BinaryParts

/** A field of a value. */
export type SelectNode = Extract<SyntaxNode, { kind: 'select' }>

/** An element of a value. */
export type IndexNode = Extract<SyntaxNode, { kind: 'index' }>
