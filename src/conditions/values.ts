import { describeJson } from '../json/describe-json.ts'
import { JsonNumber } from '../json/json-number.ts'

/** Maximum number of digits of a number that is read as an integer. Longer ones are doubles. */
const MAX_DIGITS = 40

/** A failed evaluation as a value: `||`, `&&`, `all` and `exists` may not need it. */
export class Failure {
  /** Offset in the source. */
  readonly at: number
  readonly #describe: () => FailureText

  /** @param describe called once, if the failure is the result */
  constructor(at: number, describe: () => FailureText) {
    this.at = at
    this.#describe = describe
  }

  describe(): FailureText {
    return this.#describe()
  }
}

/** The texts of a failure. */
export interface FailureText {
  readonly message: string
  readonly hint?: string
}

/** Ends an evaluation that takes more than `maxSteps`. It is thrown, so that no `||` absorbs it. */
export class StepsExceeded extends Error {
  override readonly name: string = 'StepsExceeded'
}

/** Steps that an evaluation may still take. */
export class Budget {
  #left: number

  constructor(steps: number) {
    this.#left = steps
  }

  /** @throws StepsExceeded */
  spend(steps: number): void {
    this.#left -= steps
    if (this.#left < 0) throw new StepsExceeded()
  }

  /** Spends the steps for reading or making this many characters. @throws StepsExceeded */
  spendCharacters(count: number): void {
    this.spend(1 + (count >>> CHARACTERS_PER_STEP_LOG))
  }
}

/** 32 characters are one step. */
const CHARACTERS_PER_STEP_LOG = 5

/**
 * A member of a JSON value, as conditions compute with it: a `JsonNumber` becomes a BigInt if it is an integer, so that
 * ids beyond 2^53 are compared exactly; otherwise the nearest double.
 */
export function readNumber(value: unknown): unknown {
  if (typeof value !== 'object' || !(value instanceof JsonNumber)) return value
  const { text } = value
  return text.length <= MAX_DIGITS && /^-?[0-9]+$/.test(text) ? BigInt(text) : Number(text)
}

/** A value for a message: scalars are shown, cut at 40 characters. */
export function describe(value: unknown): string {
  return typeof value === 'bigint' ? `\`${value}\` (number)` : describeJson(value)
}

/**
 * Whether two values are equal: numbers by their mathematical value, arrays by their elements, objects by their
 * members. Values of different types are unequal. Iterative, because deep nesting would overflow the stack.
 * @throws StepsExceeded
 */
export function isEqual(left: unknown, right: unknown, budget: Budget): boolean {
  if (typeof left !== 'object' && typeof right !== 'object') return isEqualScalar(left, right, budget)
  const waiting: unknown[] = [left, right]
  while (waiting.length > 0) {
    const b = readNumber(waiting.pop())
    const a = readNumber(waiting.pop())
    if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
      if (!isEqualScalar(a, b, budget)) return false
      continue
    }
    if (!addMembers(a, b, waiting, budget)) return false
  }
  return true
}

/** Adds the pairs of members that must be equal. Returns false if the containers differ in kind, size or keys. */
function addMembers(a: object, b: object, waiting: unknown[], budget: Budget): boolean {
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    budget.spend(1 + a.length)
    // The first pair is compared first.
    for (let i = a.length - 1; i >= 0; i--) waiting.push(a[i], b[i])
    return true
  }
  const keys = readKeys(a, budget)
  if (keys.length !== readKeys(b, budget).length) return false
  for (const key of keys) {
    if (!Object.hasOwn(b, key)) return false
    waiting.push((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key])
  }
  return true
}

/** Steps of listing and finding one key. */
const STEPS_PER_KEY = 4

/** The keys of an object. @throws StepsExceeded */
export function readKeys(object: object, budget: Budget): readonly string[] {
  const keys = Object.keys(object)
  budget.spend(1 + keys.length * STEPS_PER_KEY)
  return keys
}

function isEqualScalar(a: unknown, b: unknown, budget: Budget): boolean {
  if (a === b) {
    if (typeof a === 'string') budget.spendCharacters(a.length)
    return true
  }
  if (typeof a === 'bigint' && typeof b === 'number') return Number.isInteger(b) && BigInt(b) === a
  if (typeof a === 'number' && typeof b === 'bigint') return Number.isInteger(a) && BigInt(a) === b
  return false
}

/**
 * Compares strings by code points, as CEL does: JavaScript compares UTF-16 units, which puts U+10000 before U+FFFF.
 * @returns a negative number, 0 or a positive number
 */
export function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  let at = 0
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at += 1
  if (at === length) return a.length - b.length
  return rankUnit(a.charCodeAt(at)) - rankUnit(b.charCodeAt(at))
}

/** Moves surrogates, which begin or continue the highest code points, behind all other units. */
function rankUnit(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}

/** Number of code points. */
export function countCharacters(text: string): number {
  let count = text.length
  for (let at = 0; at < text.length - 1; at++) {
    const isPair = (text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00
    if (isPair) {
      count -= 1
      at += 1
    }
  }
  return count
}
