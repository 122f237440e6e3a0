import { replaceJsonNumbers } from '../json/replace-numbers.ts'
import type { PlannedTask } from '../plan/execution-plan.ts'
import type { CheckedArguments } from '../tools/argument-problem.ts'
import { resolveTemplate, type Scope } from '../workflow/template.ts'
import type { AttemptActions } from './attempt-context.ts'
import { Places } from './places.ts'
import { InvalidArgumentsError } from './tool-error.ts'

/** Problems that a message names. */
const MAX_TOLD = 5

/**
 * The arguments of one attempt, fresh, resolved and checked whole. A promise only where the tool's schema is asynchronous.
 * @param attempt its log gets a warning where numbers lose digits
 * @throws an error with the code `REFERENCE_NOT_FOUND` or `INVALID_ARGUMENTS`, or rejects with it
 */
export function prepareArguments(
  { tool, arguments: template }: PlannedTask,
  scope: Scope,
  attempt: Pick<AttemptActions, 'log'>,
): unknown {
  const { value, mayHoldJsonNumbers } = resolveTemplate(template, scope)
  const resolved = mayHoldJsonNumbers && !tool.exactNumbers ? toDoublesTold(value, attempt) : value
  if (!tool.hasSchema) return resolved
  const checked = tool.checkArguments(resolved)
  return checked instanceof Promise ? checked.then(admit) : admit(checked)
}

/** What a tool is given that asks for no exact numbers. */
function toDoublesTold(value: unknown, attempt: Pick<AttemptActions, 'log'>): unknown {
  const places = new Places()
  const doubles = replaceJsonNumbers(value, (number, path) => {
    places.add(path)
    return number.valueOf()
  })
  if (places.count > 0) {
    const what = `Numbers among the arguments lost digits${places.describe()}`
    attempt.log('warning', `${what}: the tool gets the nearest JavaScript numbers; \`exactNumbers\` keeps the digits`)
  }
  return doubles
}

function admit({ value, problems }: CheckedArguments): unknown {
  if (problems.length === 0) return value
  const told = problems
    .slice(0, MAX_TOLD)
    .map(({ pointer, message }) => (pointer === '' ? message : `${message} at \`${pointer}\``))
  const rest = problems.length > MAX_TOLD ? [`and ${problems.length - MAX_TOLD} more`] : []
  throw new InvalidArgumentsError([...told, ...rest].join('; '))
}
