import { quoteName } from '../tools/json-pointer.ts'
import { Suggestions } from '../tools/suggestion.ts'
import { type ArithmeticOperator, compute, isOrdered, negate, type OrderOperator } from './arithmetic.ts'
import type { Compilation, Compiled, Run } from './compiled.ts'
import { ProblemError } from './problem.ts'
import type { BinaryNode, SyntaxNode } from './syntax-tree.ts'
import { expectBoolean, nameType, requireBoolean, unify } from './types.ts'
import { describe, Failure, isEqual, readNumber } from './values.ts'

/** Checks and compiles an operator between two operands. @throws ProblemError */
export function compileBinary(node: BinaryNode, compilation: Compilation): Compiled {
  const { operator, at } = node
  const left = compilation.compile(node.left)
  const right = compilation.compile(node.right)
  const refuse = (hint?: string): ProblemError =>
    new ProblemError(`\`${operator}\` does not take ${nameType(left.type)} and ${nameType(right.type)}`, at, hint)
  switch (operator) {
    case '&&':
    case '||':
      expectBoolean(left.type, node.left.at, `\`${operator}\``)
      expectBoolean(right.type, node.right.at, `\`${operator}\``)
      return { type: 'boolean', run: compileLogic(operator === '||', left.run, node.left, right.run, node.right) }
    case '==':
    case '!=': {
      if (unify(left.type, right.type) === undefined) throw refuse('They are never equal')
      expectChoice(left, node.right)
      expectChoice(right, node.left)
      return { type: 'boolean', run: compileEquality(operator === '==', left.run, right.run) }
    }
    case 'in':
      if (right.type === 'string') throw refuse('Did you mean `text.contains(part)`?')
      if (right.type !== 'any' && right.type !== 'array' && right.type !== 'object') throw refuse()
      if (right.type === 'object' && unify(left.type, 'string') === undefined) throw refuse('Keys are strings')
      return { type: 'boolean', run: compileMembership(left.run, right.run, at) }
    case '<':
    case '<=':
    case '>':
    case '>=': {
      const type = unify(left.type, right.type)
      if (type === undefined) throw refuse(isRelation(node.left) ? 'Did you mean `a < b && b < c`?' : undefined)
      if (type === 'null' || type === 'array' || type === 'object') throw refuse()
      return { type: 'boolean', run: compileOrder(operator, left.run, right.run, at) }
    }
    default: {
      const type = unify(left.type, right.type)
      const isJoinable = operator === '+' && (type === 'string' || type === 'array')
      if (type !== 'any' && type !== 'number' && !isJoinable) {
        const hasString = left.type === 'string' || right.type === 'string'
        throw refuse(operator === '+' && hasString ? 'Convert it: `string(1)`' : undefined)
      }
      return { type: operator === '+' ? type : 'number', run: compileArithmetic(operator, left.run, right.run, at) }
    }
  }
}

/** Checks and compiles `!` or `-`. @throws ProblemError */
export function compileUnary(operator: '!' | '-', operand: SyntaxNode, at: number, compilation: Compilation): Compiled {
  const { type, run } = compilation.compile(operand)
  const expected = operator === '!' ? 'boolean' : 'number'
  if (unify(type, expected) === undefined) {
    throw new ProblemError(`\`${operator}\` expects a ${expected}, found ${nameType(type)}`, at)
  }
  if (operator === '-') {
    return {
      type: 'number',
      run: frame => {
        const value = run(frame)
        return value instanceof Failure ? value : negate(value, at)
      },
    }
  }
  return {
    type: 'boolean',
    run: frame => {
      const value = run(frame)
      return typeof value === 'boolean' ? !value : requireBoolean(value, operand.at, '`!`')
    },
  }
}

/** Compiles `condition ? whenTrue : whenFalse`. @throws ProblemError */
export function compileTernary(
  condition: SyntaxNode,
  whenTrue: SyntaxNode,
  whenFalse: SyntaxNode,
  compilation: Compilation,
): Compiled {
  const test = compilation.compile(condition)
  expectBoolean(test.type, condition.at, '`? :`')
  const yes = compilation.compile(whenTrue)
  const no = compilation.compile(whenFalse)
  return {
    type: unify(yes.type, no.type) ?? 'any',
    run: frame => {
      const value = test.run(frame)
      if (value === true) return yes.run(frame)
      return value === false ? no.run(frame) : requireBoolean(value, condition.at, '`? :`')
    },
  }
}

/** Compiles `||` and `&&`. The operand that decides wins over a failure of the other one, on either side. */
function compileLogic(decisive: boolean, left: Run, leftNode: SyntaxNode, right: Run, rightNode: SyntaxNode): Run {
  const what = decisive ? '`||`' : '`&&`'
  return frame => {
    const a = left(frame)
    if (a === decisive) return decisive
    const b = right(frame)
    if (b === decisive) return decisive
    if (typeof a !== 'boolean') return requireBoolean(a, leftNode.at, what)
    return requireBoolean(b, rightNode.at, what)
  }
}

function compileEquality(expected: boolean, left: Run, right: Run): Run {
  return frame => {
    const a = left(frame)
    if (a instanceof Failure) return a
    const b = right(frame)
    if (b instanceof Failure) return b
    return isEqual(a, b, frame.budget) === expected
  }
}

function compileOrder(operator: OrderOperator, left: Run, right: Run, at: number): Run {
  return frame => {
    const a = left(frame)
    if (a instanceof Failure) return a
    const b = right(frame)
    return b instanceof Failure ? b : isOrdered(operator, a, b, at, frame.budget)
  }
}

function compileArithmetic(operator: ArithmeticOperator, left: Run, right: Run, at: number): Run {
  return frame => {
    const a = left(frame)
    if (a instanceof Failure) return a
    const b = right(frame)
    return b instanceof Failure ? b : compute(operator, a, b, at, frame.budget)
  }
}

function compileMembership(left: Run, right: Run, at: number): Run {
  return frame => {
    const value = left(frame)
    if (value instanceof Failure) return value
    const container = right(frame)
    if (container instanceof Failure) return container
    const { budget } = frame
    if (Array.isArray(container)) {
      for (const each of container) {
        budget.spend(1)
        if (isEqual(value, readNumber(each), budget)) return true
      }
      return false
    }
    if (typeof container !== 'object' || container === null) {
      return new Failure(at, () => ({ message: `\`in\` expects an array or an object, found ${describe(container)}` }))
    }
    return typeof value === 'string' && Object.hasOwn(container, value)
  }
}

/** Refuses the comparison of a status with a string that none is. @throws ProblemError */
function expectChoice({ choices }: Compiled, other: SyntaxNode): void {
  if (choices === undefined || other.kind !== 'literal' || typeof other.value !== 'string') return
  const { value, at } = other
  if (choices.includes(value)) return
  throw new ProblemError(
    `There is no status ${quoteName(value)}`,
    at,
    new Suggestions(choices, 'statuses').hintFor(value),
  )
}

function isRelation(node: SyntaxNode): boolean {
  return node.kind === 'binary' && ['<', '<=', '>', '>='].includes(node.operator)
}
