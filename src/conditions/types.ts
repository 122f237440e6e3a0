import { ProblemError } from './problem.ts'
import { describe, Failure } from './values.ts'

/**
 * Static type of a value: `any` for values of the input and of outputs. Numbers are one type, because integers and doubles
 * mix in every operation.
 */
export type ValueType = 'boolean' | 'number' | 'string' | 'null' | 'array' | 'object' | 'any'

/** The type of a value that `readNumber` returned; `any` if it is not a JSON type. */
export function typeOf(value: unknown): ValueType {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'number':
      return typeof value as ValueType
    case 'bigint':
      return 'number'
    case 'object':
      if (value === null) return 'null'
      return Array.isArray(value) ? 'array' : 'object'
    default:
      return 'any'
  }
}

/** The type for a message. */
export function nameType(type: ValueType): string {
  if (type === 'null') return '`null`'
  if (type === 'any') return 'a value'
  return type === 'array' || type === 'object' ? `an ${type}` : `a ${type}`
}

/** Refuses an operand that is known not to be a boolean. @throws ProblemError */
export function expectBoolean(type: ValueType, at: number, what: string): void {
  if (unify(type, 'boolean') !== undefined) return
  throw new ProblemError(`${what} expects a boolean, found ${nameType(type)}`, at, 'Compare it: `a == 1`, `a != null`')
}

/** Returns a failure for a value that is not a boolean; a failure is returned unchanged. */
export function requireBoolean(value: unknown, at: number, what: string): boolean | Failure {
  if (typeof value === 'boolean' || value instanceof Failure) return value
  return new Failure(at, () => ({
    message: `${what} expects a boolean, found ${describe(value)}`,
    hint: 'Compare it: `a == 1`, `a != null`',
  }))
}

/** The type of values that are of both types; `undefined` if there are none. */
export function unify(a: ValueType, b: ValueType): ValueType | undefined {
  if (a === 'any') return b
  return b === 'any' || a === b ? a : undefined
}
