import type { PlannedTask } from '../plan/execution-plan.ts'
import type { CheckedArguments } from '../tools/argument-problem.ts'
import { resolveTemplate, type Scope } from '../workflow/template.ts'
import { InvalidArgumentsError } from '../attempt/tool-error.ts'

/** Problems that a message names. */
const MAX_TOLD = 5

/**
 * The arguments of one attempt, fresh, resolved and checked whole. A promise only where the tool's schema is asynchronous.
 * @throws an error with the code `REFERENCE_NOT_FOUND` or `INVALID_ARGUMENTS`, or rejects with it
 */
export function prepareArguments({ tool, arguments: template }: PlannedTask, scope: Scope): unknown {
  const resolved = resolveTemplate(template, scope)
  if (!tool.hasSchema) return resolved
  const checked = tool.checkArguments(resolved)
  return checked instanceof Promise ? checked.then(admit) : admit(checked)
}

function admit({ value, problems }: CheckedArguments): unknown {
  if (problems.length === 0) return value
  const told = problems
    .slice(0, MAX_TOLD)
    .map(({ pointer, message }) => (pointer === '' ? message : `${message} at \`${pointer}\``))
  const rest = problems.length > MAX_TOLD ? [`and ${problems.length - MAX_TOLD} more`] : []
  throw new InvalidArgumentsError([...told, ...rest].join('; '))
}
