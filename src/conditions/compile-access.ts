import { quoteName } from '../tools/json-pointer.ts'
import { Suggestions } from '../tools/suggestion.ts'
import type { Compilation, Compiled } from './compiled.ts'
import { ProblemError } from './problem.ts'
import type { SyntaxNode } from './syntax-tree.ts'
import { nameType, unify } from './types.ts'
import { describe, Failure, readNumber } from './values.ts'

/** Checks and compiles `operand.field`. @throws ProblemError */
export function compileSelect(
  operand: Compiled,
  operandNode: SyntaxNode,
  field: string,
  at: number,
  compilation: Compilation,
): Compiled {
  const shown = compilation.show(operandNode)
  if (operand.fields !== undefined && !operand.fields.includes(field)) {
    const hint = new Suggestions(operand.fields, 'keys').hintFor(field)
    throw new ProblemError(`${shown} has no key ${quoteName(field)}`, at, hint)
  }
  if (unify(operand.type, 'object') === undefined) {
    throw new ProblemError(
      `Expected ${shown} to be an object with the key ${quoteName(field)}, found ${nameType(operand.type)}`,
      at,
      hintForMember(operand.type === 'array', field, shown),
    )
  }
  const { run } = operand
  return {
    type: operand.fields === undefined ? 'any' : 'string',
    ...(operand.choices !== undefined && { choices: operand.choices }),
    run: frame => {
      const value = run(frame)
      return value instanceof Failure ? value : readMember(value, field, at, shown)
    },
  }
}

/** Checks and compiles `operand[index]`. @throws ProblemError */
export function compileIndex(
  operand: Compiled,
  operandNode: SyntaxNode,
  indexNode: SyntaxNode,
  compilation: Compilation,
): Compiled {
  const { at } = indexNode
  const shown = compilation.show(operandNode)
  const isConstant = indexNode.kind === 'literal' && typeof indexNode.value === 'string'
  if (isConstant && operand.fields !== undefined) {
    return compileSelect(operand, operandNode, indexNode.value, at, compilation)
  }
  const index = compilation.compile(indexNode)
  const isArray = unify(operand.type, 'array') !== undefined && unify(index.type, 'number') !== undefined
  const isObject = unify(operand.type, 'object') !== undefined && unify(index.type, 'string') !== undefined
  if (!isArray && !isObject) {
    const [container, key] = [nameType(operand.type), nameType(index.type)]
    throw new ProblemError(
      `Expected an array and a number, or an object and a string: found ${container} and ${key}`,
      at,
    )
  }
  return {
    type: 'any',
    run: frame => {
      const value = operand.run(frame)
      if (value instanceof Failure) return value
      const key = index.run(frame)
      if (key instanceof Failure) return key
      if (Array.isArray(value)) return readElement(value, key, at, shown)
      if (typeof key === 'string') return readMember(value, key, at, shown)
      return new Failure(at, () => ({
        message: `Expected an array to take ${describe(key)} of, found ${shown}: ${describe(value)}`,
      }))
    },
  }
}

/** Whether a value has the key. Only own keys of objects count. */
export function hasMember(value: unknown, key: string): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key)
}

function readMember(value: unknown, key: string, at: number, shown: string): unknown {
  if (hasMember(value, key)) return readNumber(value[key])
  return new Failure(at, () => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      const message = `Expected ${shown} to be an object with the key ${quoteName(key)}, found ${describe(value)}`
      const hint = value === null ? 'Check it first: `a != null && a.b`' : hintForMember(true, key, shown)
      return hint === undefined ? { message } : { message, hint }
    }
    const keys = new Suggestions(Object.keys(value), 'keys').hintFor(key)
    return {
      message: `${shown} has no key ${quoteName(key)}`,
      hint: `${keys}${keys.endsWith('?') ? '' : '.'} For a key that may be missing write \`has(a.b) && a.b\``,
    }
  })
}

function readElement(list: readonly unknown[], index: unknown, at: number, shown: string): unknown {
  const position = typeof index === 'bigint' || typeof index === 'number' ? Number(index) : Number.NaN
  if (Number.isInteger(position) && position >= 0 && position < list.length) return readNumber(list[position])
  return new Failure(at, () => ({
    message: `${shown} has no element ${describe(index)}`,
    hint: list.length === 0 ? 'It is empty' : `Its elements are 0 to ${list.length - 1}`,
  }))
}

function hintForMember(hasElements: boolean, field: string, shown: string): string | undefined {
  if (field === 'length' || field === 'size') return `Did you mean \`size(${shown.replaceAll('`', '')})\`?`
  return hasElements ? 'Take one element, `a[0]`, or ask for any: `a.exists(x, x.b == 1)`' : undefined
}
