import type { ValueType } from './types.ts'
import { type Budget, countCharacters, describe, Failure, readKeys } from './values.ts'

/** A function without a body of its own: `size(x)`, or `text.contains(part)` as a method. */
export interface ConditionFunction {
  readonly name: string
  readonly isMethod: boolean
  /** The types that each operand may have; that of a method's value before the dot comes first. */
  readonly operands: readonly (readonly ValueType[])[]
  readonly result: ValueType
  /** The values have types that `operands` allows. */
  run(values: readonly unknown[], at: number, budget: Budget): unknown
}

const TEXT: readonly ValueType[] = ['string']

const NOT_ASCII = /[\u0080-\uffff]/
const DECIMAL = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/
const WHOLE = /^-?[0-9]{1,19}$/
const BOOLEANS = new Map([
  ...['1', 't', 'true', 'TRUE', 'True'].map(text => [text, true] as const),
  ...['0', 'f', 'false', 'FALSE', 'False'].map(text => [text, false] as const),
])

/** Number of elements of an array, of keys of an object, or of characters (code points) of a string. */
function size(value: unknown, budget: Budget): bigint {
  if (typeof value === 'string') {
    budget.spendCharacters(value.length)
    return BigInt(countCharacters(value))
  }
  if (Array.isArray(value)) return BigInt(value.length)
  return BigInt(readKeys(value as object, budget).length)
}

/** Length of a part that engines search in linear time. They take seconds for a few thousand characters of a few kinds. */
const MAX_NATIVE_SEARCH = 256

/** Steps of starting one search, beyond its characters. */
const SEARCH_STEPS = 64

function contains(text: string, part: string, budget: Budget): boolean {
  budget.spendCharacters(text.length * 2)
  if (part.length <= MAX_NATIVE_SEARCH) return text.includes(part)
  const start = part.slice(0, MAX_NATIVE_SEARCH)
  for (let at = text.indexOf(start); at !== -1; at = text.indexOf(start, at + 1)) {
    budget.spend(SEARCH_STEPS)
    budget.spendCharacters(part.length)
    if (text.startsWith(part, at)) return true
  }
  return false
}

function toInteger(value: unknown, at: number): bigint | Failure {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number' && Math.abs(value) < 2 ** 63) return BigInt(Math.trunc(value))
  const integer = typeof value === 'string' && WHOLE.test(value) ? BigInt(value) : undefined
  if (integer !== undefined && BigInt.asIntN(64, integer) === integer) return integer
  return new Failure(at, () => ({ message: `\`int\` expects a number of 64 bits, found ${describe(value)}` }))
}

function toDouble(value: unknown, at: number): number | Failure {
  if (typeof value !== 'string') return Number(value)
  if (DECIMAL.test(value)) return Number(value)
  return new Failure(at, () => ({ message: `\`double\` expects a number, found ${describe(value)}` }))
}

function toBoolean(value: unknown, at: number): boolean | Failure {
  if (typeof value === 'boolean') return value
  const found = BOOLEANS.get(value as string)
  if (found !== undefined) return found
  return new Failure(at, () => ({ message: `\`bool\` expects "true" or "false", found ${describe(value)}` }))
}

function toText(value: unknown): string {
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : String(value)
}

/** Declares `text.name(part)`. */
function defineSearch(
  name: string,
  search: (text: string, part: string, budget: Budget) => boolean,
): ConditionFunction {
  return {
    name,
    isMethod: true,
    operands: [TEXT, TEXT],
    result: 'boolean',
    run(values, _, budget) {
      const [text, part] = values as readonly [string, string]
      budget.spendCharacters(part.length)
      return search(text, part, budget)
    },
  }
}

/** Changes the case of ASCII letters alone: other letters change by the rules of a language and a version of Unicode. */
function changeCase(text: string, letters: RegExp, change: (text: string) => string, budget: Budget): string {
  budget.spendCharacters(text.length)
  if (!NOT_ASCII.test(text)) return change(text)
  // One call for each run of letters, which may be a single one.
  budget.spend(text.length)
  return text.replaceAll(letters, change)
}

/** Declares `text.name()`. */
function defineChange(name: string, change: (text: string, budget: Budget) => string): ConditionFunction {
  return {
    name,
    isMethod: true,
    operands: [TEXT],
    result: 'string',
    run(values, _, budget) {
      const [text] = values as readonly [string]
      budget.spendCharacters(text.length)
      return change(text, budget)
    },
  }
}

/** Declares `name(value)`, which converts a value to a type. */
function defineConversion(
  name: string,
  from: readonly ValueType[],
  result: ValueType,
  convert: (value: unknown, at: number) => unknown,
): ConditionFunction {
  return {
    name,
    isMethod: false,
    operands: [from],
    result,
    run([value], at, budget) {
      if (typeof value === 'string') budget.spendCharacters(value.length)
      return convert(value, at)
    },
  }
}

const sizeParts = {
  name: 'size',
  operands: [['string', 'array', 'object']],
  result: 'number',
  run: ([value]: readonly unknown[], _: number, budget: Budget) => size(value, budget),
} as const

/** All functions. Each gives the same result for the same values, at any time and place. */
export const FUNCTIONS: readonly ConditionFunction[] = [
  { ...sizeParts, isMethod: false },
  { ...sizeParts, isMethod: true },
  defineSearch('contains', contains),
  defineSearch('startsWith', (text, part) => text.startsWith(part)),
  defineSearch('endsWith', (text, part) => text.endsWith(part)),
  defineChange('lowerAscii', (text, budget) => changeCase(text, /[A-Z]+/g, part => part.toLowerCase(), budget)),
  defineChange('upperAscii', (text, budget) => changeCase(text, /[a-z]+/g, part => part.toUpperCase(), budget)),
  defineChange('trim', text => text.trim()),
  defineConversion('int', ['number', 'string'], 'number', toInteger),
  defineConversion('double', ['number', 'string'], 'number', toDouble),
  defineConversion('string', ['number', 'string', 'boolean'], 'string', toText),
  defineConversion('bool', ['boolean', 'string'], 'boolean', toBoolean),
  defineConversion('dyn', ['any'], 'any', value => value),
]
