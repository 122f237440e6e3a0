import { isDeepStrictEqual } from 'node:util'
import { type Json, Undetermined } from './reference-template.ts'

/** What a condition may name, for its predicate. */
export interface ConditionScope {
  readonly input: Json | undefined
  output(taskId: string): Json
  status(taskId: string): string
  /** Messages are for people, so that only codes can be compared. */
  error(taskId: string): { readonly code: string } | null
  readonly item?: Json
  readonly index?: number
  /** The output of the round, for `until`. */
  readonly result?: Json
  /** The status so far, in `finally`. */
  readonly executionStatus?: string
}

/** The condition cannot be evaluated: `CONDITION_FAILED`. */
export class ConditionFailure extends Error {}

/** An expression of CEL, and the same as a predicate. */
export interface Condition {
  readonly cel: string
  /** @throws ConditionFailure where the expression cannot be evaluated */
  holds(scope: ConditionScope): boolean
}

/** A value of an expression of CEL. */
export interface Term {
  readonly cel: string
  /** @throws ConditionFailure */
  read(scope: ConditionScope): Json
}

const quote = (taskId: string): string => (/^[A-Za-z_]\w*$/.test(taskId) ? `.${taskId}` : `[${JSON.stringify(taskId)}]`)

export const output = (taskId: string): Term => ({ cel: `output${quote(taskId)}`, read: scope => scope.output(taskId) })
export const status = (taskId: string): Term => ({ cel: `status${quote(taskId)}`, read: scope => scope.status(taskId) })
export const errorCode = (taskId: string): Term => ({
  cel: `error${quote(taskId)}.code`,
  read: scope => readMember(scope.error(taskId), 'code'),
})
export const input: Term = { cel: 'input', read: scope => scope.input ?? null }
export const item: Term = { cel: 'item', read: scope => scope.item ?? null }
export const index: Term = { cel: 'index', read: scope => scope.index ?? null }
export const result: Term = { cel: 'result', read: scope => scope.result ?? null }
export const executionStatus: Term = { cel: 'execution.status', read: scope => scope.executionStatus ?? null }

export const member = (term: Term, key: string): Term => ({
  cel: `${term.cel}.${key}`,
  read: scope => readMember(term.read(scope), key),
})

/** Whether `term * factor + added` exceeds a bound: numbers of JSON are doubles, and mix with integers. */
export const isMore = (term: Term, factor: number, added: number, bound: number): Condition => ({
  cel: `${term.cel} * ${factor} + ${added} > ${bound}`,
  holds(scope) {
    const value = term.read(scope)
    if (typeof value !== 'number') throw new ConditionFailure('No number')
    return value * factor + added > bound
  },
})

export const isEqual = (term: Term, value: null | boolean | number | string): Condition => ({
  cel: `${term.cel} == ${JSON.stringify(value)}`,
  holds: scope => isDeepStrictEqual(term.read(scope), value),
})

/** A value that must be a boolean itself. */
export const isTrue = (term: Term): Condition => ({ cel: term.cel, holds: scope => expectBoolean(term.read(scope)) })

/** Whether some element of an array is not null. */
export const hasElement = (term: Term): Condition => ({
  cel: `${term.cel}.exists(x, x != null)`,
  holds(scope) {
    const value = term.read(scope)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      throw new Undetermined('Keys of an object')
    if (!Array.isArray(value)) throw new ConditionFailure('No array')
    return value.some(each => each !== null)
  },
})

export const not = (condition: Condition): Condition => ({
  cel: `!(${condition.cel})`,
  holds: scope => !condition.holds(scope),
})

/** `false && x` is false even if `x` cannot be evaluated, on both sides, as the definition of CEL says. */
export const and = (left: Condition, right: Condition): Condition => ({
  cel: `(${left.cel}) && (${right.cel})`,
  holds: scope => combine(left, right, scope, false),
})

/** `true || x` is true even if `x` cannot be evaluated, on both sides. */
export const or = (left: Condition, right: Condition): Condition => ({
  cel: `(${left.cel}) || (${right.cel})`,
  holds: scope => combine(left, right, scope, true),
})

/** Ids of the tasks that an expression names. */
export function findNamedTasks(cel: string): string[] {
  const names = cel.matchAll(/\b(?:output|status|error)(?:\.(\w+)|\[("[^"]+")\])/g)
  return Array.from(names, ([, name, quoted]) => name ?? (JSON.parse(quoted as string) as string))
}

/** Whether an expression depends on the item. */
export function namesItem(cel: string): boolean {
  return /(?<![.\w"])(?:item|index)\b/.test(cel)
}

function combine(left: Condition, right: Condition, scope: ConditionScope, deciding: boolean): boolean {
  const outcomes = [left, right].map(condition => {
    try {
      return condition.holds(scope)
    } catch (error) {
      if (error instanceof ConditionFailure) return error
      throw error
    }
  })
  if (outcomes.includes(deciding)) return deciding
  const failure = outcomes.find(outcome => outcome instanceof ConditionFailure)
  if (failure !== undefined) throw failure
  return !deciding
}

function readMember(value: Json, key: string): Json {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isObject || !Object.hasOwn(value, key)) throw new ConditionFailure(`No ${key}`)
  return (value as { readonly [key: string]: Json })[key] as Json
}

function expectBoolean(value: Json): boolean {
  if (typeof value === 'boolean') return value
  throw new ConditionFailure('No boolean')
}
