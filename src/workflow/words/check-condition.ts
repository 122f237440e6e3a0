import type { ConditionName } from '../../conditions/compiled.ts'
import { type Condition, parseCondition } from '../../conditions/condition.ts'
import { report, type Walk } from '../walk.ts'

/** Names in a condition. A task's own place adds to them. */
export const TASK_NAMES: readonly ConditionName[] = ['input', 'output', 'status', 'error']

/** Names in `repeat.until`. */
export const ROUND_NAMES: readonly ConditionName[] = ['result', 'index', 'input']

/**
 * Parses and checks a condition, except for the ids that it names.
 * @returns `undefined` if it is invalid, with the issue at the current path
 */
export function checkCondition(source: string, names: readonly ConditionName[], walk: Walk): Condition | undefined {
  const condition = parseCondition(source, { names })
  if ('evaluate' in condition) return condition
  const { message, column, hint } = condition
  const place = column === undefined ? '' : ` (column ${column})`
  report(walk, 'INVALID_CONDITION', () => `${message}${place}`, hint === undefined ? undefined : () => hint)
  return undefined
}
