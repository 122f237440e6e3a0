import type { ExecutionStatus, FinalTaskStatus } from '../events/events.ts'
import { quoteName } from '../tools/json-pointer.ts'
import { Suggestions } from '../tools/suggestion.ts'
import type { Compiled, ConditionName, ConditionValues } from './compiled.ts'
import { ProblemError } from './problem.ts'
import type { IndexNode, SelectNode } from './syntax-tree.ts'
import { Failure, readNumber } from './values.ts'

/** Names whose members are tasks: `output.ID`. */
export type TaskName = 'output' | 'status' | 'error'

const TASK_NAMES: readonly string[] = ['output', 'status', 'error'] satisfies readonly TaskName[]

const TASK_STATUSES: readonly string[] = [
  'success',
  'error',
  'skipped',
  'cancelled',
] satisfies readonly FinalTaskStatus[]

const EXECUTION_STATUSES: readonly string[] = [
  'success',
  'partial',
  'error',
  'cancelled',
] satisfies readonly ExecutionStatus[]

/** How far before a name an id that contains `-` is looked for. */
const MAX_ID_SHOWN = 100

/** Where names have a value that do not have one everywhere. */
const PLACES = new Map([
  ['item', 'in a task with `forEach`'],
  ['index', 'in a task with `forEach` and in `until`'],
  ['result', 'in `until`'],
  ['execution', 'in `finally`'],
  ['output', 'in `when`'],
  ['status', 'in `when`'],
  ['error', 'in `when`'],
])

export function isTaskName(name: string): name is TaskName {
  return TASK_NAMES.includes(name)
}

/** Compiles a name that has a value by itself. */
export function compileRoot(name: Exclude<ConditionName, TaskName>, at: number): Compiled {
  const run = ({ values }: { readonly values: ConditionValues }): unknown => {
    const value: unknown = values[name]
    if (value !== undefined) return readNumber(value)
    return new Failure(at, () => ({
      message: name === 'input' ? 'The execution was given no input' : `\`${name}\` has no value`,
    }))
  }
  if (name === 'execution') return { type: 'object', run, fields: ['status'], choices: EXECUTION_STATUSES }
  return { type: name === 'index' ? 'number' : 'any', run }
}

/** Compiles the member of `output`, `status` or `error` for one task. */
export function compileTask(name: TaskName, taskId: string, at: number): Compiled {
  const run = ({ values }: { readonly values: ConditionValues }): unknown => {
    const value: unknown = values[name]?.(taskId)
    if (value !== undefined) return readNumber(value)
    return new Failure(at, () => ({ message: `The task ${quoteName(taskId)} has no ${name}` }))
  }
  if (name === 'error') return { type: 'any', run, fields: ['code', 'message'] }
  return name === 'status' ? { type: 'string', run, choices: TASK_STATUSES } : { type: 'any', run }
}

/** The id of the task that `operand.field` or `operand[index]` names. @throws ProblemError unless it is a literal */
export function readTaskId(name: TaskName, node: SelectNode | IndexNode): string {
  if (node.kind === 'select') return node.field
  const { index } = node
  if (index.kind === 'literal' && typeof index.value === 'string') return index.value
  throw new ProblemError(
    `Expected the id of a task in \`${name}[…]\`, as a string`,
    index.at,
    `Write the id itself: \`${name}["id"]\``,
  )
}

/** A problem for `output`, `status`, `error` or `execution` without a member. */
export function bareName(name: string, at: number): ProblemError {
  const example = name === 'execution' ? 'execution.status' : `${name}.ID`
  return new ProblemError(`Expected a member of \`${name}\`, found \`${name}\` itself`, at, `Write \`${example}\``)
}

/**
 * A problem for a name that has no value here.
 * @param known the names that have one
 */
export function unknownName(name: string, at: number, known: readonly string[], source: string): ProblemError {
  const place = PLACES.get(name)
  if (place !== undefined) return new ProblemError(`${quoteName(name)} has a value only ${place}`, at)
  const message = `There is no name ${quoteName(name)}`
  const before = /([A-Za-z_]\w*)\.([\w-]*\w-)$/.exec(source.slice(Math.max(0, at - MAX_ID_SHOWN), at))
  if (before !== null && isTaskName(before[1] as string)) {
    const id = `${before[2]}${name}`
    return new ProblemError(message, at, `For the id ${quoteName(id)} write \`${before[1]}["${id.slice(0, 40)}"]\``)
  }
  const hint = new Suggestions([...known, 'true', 'false', 'null'], 'names').hintFor(name)
  if (hint.endsWith('?')) return new ProblemError(message, at, hint)
  return new ProblemError(message, at, `${hint}. A string is written in quotes: \`"${name.slice(0, 40)}"\``)
}
