import { invalidOption } from '../../errors.ts'
import type { TableOptions } from '../../scheduler/table-input.ts'

/** Options of a plan that is still being written. */
export interface PlanOptions {
  /**
   * What starts before the plan is complete: tasks that may only call tools with `readOnly: true`, or all.
   * @defaultValue `read-only`
   */
  readonly eager?: 'read-only' | 'all'
  /** A line that is refused ends the execution with `PLAN_REJECTED`, or is left out. @defaultValue `fail` */
  readonly onPlanError?: 'fail' | 'skip'
  /**
   * A plan that breaks off before its seal ends the execution with `PLAN_INCOMPLETE`, or counts as complete.
   * @defaultValue `cancel`
   */
  readonly onPlanBreak?: 'cancel' | 'seal'
}

/** The options of a plan, all present, and the number of lines before its first task. */
export interface ResolvedPlanOptions extends Required<PlanOptions> {
  readonly firstLine: number
}

type GivenOptions = { readonly [Name in keyof PlanOptions]?: PlanOptions[Name] | undefined }

const VALUES = { eager: ['read-only', 'all'], onPlanError: ['fail', 'skip'], onPlanBreak: ['cancel', 'seal'] } as const

/** The names of the options of a plan. */
export const PLAN_OPTIONS: readonly string[] = Object.keys(VALUES)

/** Merges options: later ones win, `undefined` counts as absent. @throws `INVALID_OPTION` */
export function resolvePlanOptions(firstLine: number, ...given: readonly GivenOptions[]): ResolvedPlanOptions {
  const resolved: Record<string, unknown> = { eager: 'read-only', onPlanError: 'fail', onPlanBreak: 'cancel' }
  for (const options of given) {
    for (const [name, values] of Object.entries(VALUES)) {
      const value: unknown = options[name as keyof PlanOptions]
      if (value === undefined) continue
      if (!(values as readonly unknown[]).includes(value)) {
        throw invalidOption(name, values.map(each => `"${each}"`).join(' or '), value)
      }
      resolved[name] = value
    }
  }
  return { ...(resolved as unknown as Required<PlanOptions>), firstLine }
}

/** The options of the task table of an execution, streamed or not. */
export function describeGrowth(streamed: ResolvedPlanOptions | undefined): Pick<TableOptions, 'isUnsealed' | 'eager'> {
  return streamed === undefined ? {} : { isUnsealed: true, eager: streamed.eager }
}
