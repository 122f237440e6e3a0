import type { ConditionName, ConditionValues } from '../../src/conditions/compiled.ts'
import { Condition, parseCondition } from '../../src/conditions/condition.ts'
import { ConditionError, type ConditionProblem } from '../../src/conditions/problem.ts'

/** The names of a `when`. */
export const WHEN: readonly ConditionName[] = ['input', 'output', 'status', 'error']

/** Parses an expression that must be a condition. */
export function parse(source: string, names: readonly ConditionName[] = [...WHEN, 'item', 'index']): Condition {
  const parsed = parseCondition(source, { names })
  if (parsed instanceof Condition) return parsed
  throw new Error(`${source}: ${parsed.message} (column ${parsed.column}). ${parsed.hint}`)
}

/** The problem of an expression that must not be a condition. */
export function refuse(source: unknown, names: readonly ConditionName[] = WHEN): ConditionProblem {
  const parsed = parseCondition(source, { names })
  if (!(parsed instanceof Condition)) return parsed
  throw new Error(`Expected a problem of ${String(source)}`)
}

/** Values of a condition whose outputs are the members of an object. */
export function valuesOf(
  outputs: Readonly<Record<string, unknown>>,
  more: Omit<ConditionValues, 'output'> = {},
): ConditionValues {
  return { output: id => outputs[id], ...more }
}

/** Decides an expression over `input`. */
export function decide(source: string, input: unknown = {}): boolean {
  return parse(source).evaluate({ input })
}

/** The error of an expression over `input` that must fail. */
export function fail(source: string, input: unknown = {}): ConditionError {
  try {
    const result = decide(source, input)
    throw new Error(`Expected ${source} to fail, got ${result}`)
  } catch (error) {
    if (error instanceof ConditionError) return error
    throw error
  }
}
