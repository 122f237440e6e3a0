import type { CheckedArguments } from '../tools/argument-problem.ts'
import type { RegisteredTool } from '../tools/registry.ts'
import { InvalidArgumentsError } from './tool-error.ts'

/** Problems that a message names. */
const MAX_NAMED = 5

/**
 * The arguments of one attempt, checked whole. A promise only where the tool's schema is asynchronous.
 * @throws an error with the code `INVALID_ARGUMENTS`, or rejects with it
 */
export function checkArguments(tool: RegisteredTool, resolved: unknown): unknown {
  const checked = tool.checkArguments(resolved)
  return checked instanceof Promise ? checked.then(admit) : admit(checked)
}

function admit({ value, problems }: CheckedArguments): unknown {
  if (problems.length === 0) return value
  const named = problems
    .slice(0, MAX_NAMED)
    .map(({ pointer, message }) => (pointer === '' ? message : `${message} at \`${pointer}\``))
  const rest = problems.length > MAX_NAMED ? [`and ${problems.length - MAX_NAMED} more`] : []
  throw new InvalidArgumentsError([...named, ...rest].join('; '))
}
