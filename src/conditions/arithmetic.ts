import { typeOf } from './types.ts'
import { type Budget, compareStrings, describe, Failure } from './values.ts'

/** Operators that compute a value. */
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%'

/** Operators that order two values. */
export type OrderOperator = '<' | '<=' | '>' | '>='

const MAX_INTEGER = 2n ** 63n - 1n
const MIN_INTEGER = -(2n ** 63n)

/**
 * Computes with two values: integers (BigInt) stay integers of 64 bits, and with a double the result is a double. `+`
 * also joins strings and arrays.
 * @returns the result or a `Failure`
 * @throws StepsExceeded
 */
export function compute(
  operator: ArithmeticOperator,
  left: unknown,
  right: unknown,
  at: number,
  budget: Budget,
): unknown {
  if (typeof left === 'number' || typeof left === 'bigint') {
    if (typeof right === 'number' || typeof right === 'bigint') return computeNumbers(operator, left, right, at)
  } else if (operator === '+') {
    if (typeof left === 'string' && typeof right === 'string') {
      budget.spendCharacters(left.length + right.length)
      return left + right
    }
    if (Array.isArray(left) && Array.isArray(right)) {
      budget.spend(1 + left.length + right.length)
      return [...(left as unknown[]), ...(right as unknown[])]
    }
  }
  return mismatch(operator, left, right, at)
}

function computeNumbers(
  operator: ArithmeticOperator,
  left: number | bigint,
  right: number | bigint,
  at: number,
): number | bigint | Failure {
  if (typeof left === 'bigint' && typeof right === 'bigint') return computeIntegers(operator, left, right, at)
  const a = Number(left)
  const b = Number(right)
  if (operator === '%') {
    if (b !== 0 && Number.isInteger(a) && Number.isInteger(b)) return a % b
    return new Failure(at, () => ({
      message: `\`%\` expects whole numbers, the second not 0, found ${describe(left)} and ${describe(right)}`,
    }))
  }
  switch (operator) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return a / b
    default:
      return operator satisfies never
  }
}

function computeIntegers(operator: ArithmeticOperator, a: bigint, b: bigint, at: number): bigint | Failure {
  if (b === 0n && (operator === '/' || operator === '%')) {
    return new Failure(at, () => ({ message: `\`${operator}\` divides ${describe(a)} by 0` }))
  }
  const result = computeUnbounded(operator, a, b)
  if (result <= MAX_INTEGER && result >= MIN_INTEGER) return result
  return new Failure(at, () => ({
    message: `\`${operator}\` of ${describe(a)} and ${describe(b)} does not fit into 64 bits`,
    hint: 'Compute with doubles: `double(a) + b`',
  }))
}

function computeUnbounded(operator: ArithmeticOperator, a: bigint, b: bigint): bigint {
  switch (operator) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return a / b
    case '%':
      return a % b
    default:
      return operator satisfies never
  }
}

/** The negative of a number, or a `Failure`. */
export function negate(value: unknown, at: number): number | bigint | Failure {
  if (typeof value === 'number') return -value
  if (typeof value === 'bigint') return computeIntegers('-', 0n, value, at)
  return new Failure(at, () => ({ message: `\`-\` expects a number, found ${describe(value)}` }))
}

/**
 * Compares two numbers by their mathematical values, two strings by code points, or two booleans (false first).
 * @throws StepsExceeded
 */
export function isOrdered(
  operator: OrderOperator,
  left: unknown,
  right: unknown,
  at: number,
  budget: Budget,
): boolean | Failure {
  const type = typeOf(left)
  if (type !== typeOf(right)) return mismatch(operator, left, right, at)
  if (type === 'string') {
    // Four times the price of characters: they are compared one by one.
    budget.spendCharacters(4 * Math.min((left as string).length, (right as string).length))
    return decide(operator, compareStrings(left as string, right as string), 0)
  }
  if (type !== 'number' && type !== 'boolean') return mismatch(operator, left, right, at)
  // JavaScript compares a BigInt with a double exactly.
  return decide(operator, left as number, right as number)
}

function decide(operator: OrderOperator, left: number, right: number): boolean {
  switch (operator) {
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    case '>=':
      return left >= right
    default:
      return operator satisfies never
  }
}

function mismatch(operator: ArithmeticOperator | OrderOperator, left: unknown, right: unknown, at: number): Failure {
  return new Failure(at, () => {
    const message = `\`${operator}\` does not take ${describe(left)} and ${describe(right)}`
    const hasNull = left === null || right === null
    return hasNull ? { message, hint: 'Check it first: `a != null && a > 1`' } : { message }
  })
}
