import type { DAGStructure } from '../../src/index.ts'
import type { Condition } from './condition.ts'
import { flatten, type Outcome } from './outcome.ts'
import { type Interpretation, interpret } from './reference-interpreter.ts'
import type { Json } from './reference-template.ts'
import type { Behaviour, Surroundings, Task, TaskFields } from './surroundings.ts'

/** The names of the tools for documents that are written by hand. */
export const EXAMPLE_TOOLS: readonly string[] = ['value', 'fail', 'shaky', 'check']

/** Tools for documents that are written by hand: what they do stands in the tool's name and the arguments. */
export const behaveAsNamed: Behaviour = ({ tool, attempt, args }) => {
  if (tool === 'fail') return { code: 'NO', isFinal: false }
  if (tool === 'shaky' && attempt === 1) return { code: 'NO', isFinal: false }
  // Fails for `{ fails: true }`, also inside of an item.
  if (tool === 'check' && JSON.stringify(args).includes('"fails":true')) return { code: 'NO', isFinal: false }
  return { output: tool === 'value' ? (args as { readonly of: Json }).of : args }
}

/** A task of the tool `value`, whose output is `of`. */
export const value = (id: string, of: unknown, rest: TaskFields = {}): Task => ({
  id,
  tool: 'value',
  arguments: { of },
  ...rest,
})

/** A task that fails with `NO`. */
export const failing = (id: string, rest: TaskFields = {}): Task => ({ id, tool: 'fail', ...rest })

/** Runs a document by the reference interpreter. */
export function run(
  document: DAGStructure | readonly Task[],
  conditions: readonly Condition[] = [],
  surroundings: Partial<Surroundings> = {},
): Interpretation & { readonly endings: Readonly<Record<string, unknown>> } {
  const book = new Map(conditions.map(condition => [condition.cel, condition]))
  const whole = 'tasks' in document ? document : { tasks: document }
  const interpretation = interpret(whole, { conditions: book, behave: behaveAsNamed, ...surroundings })
  return { ...interpretation, endings: Object.fromEntries(flatten(interpretation.tasks).map(toEntry)) }
}

/** The output of a task that succeeded, else its code, with a question mark if the failure is tolerated. */
function toEntry({ taskId, status, output, code, substitute }: Outcome): [string, unknown] {
  if (status === 'success') return [taskId, output]
  return [taskId, substitute === undefined ? code : `${code}?`]
}
