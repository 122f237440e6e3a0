import { replaceJsonNumbers } from '../json/replace-numbers.ts'
import type { CheckedArguments } from '../tools/argument-problem.ts'
import type { RegisteredTool } from '../tools/registry.ts'
import { Places } from './places.ts'
import { InvalidArgumentsError } from './tool-error.ts'

/** Maximum number of problems that a message names. */
const MAX_NAMED = 5

/**
 * Checks the arguments of one attempt as a whole. Returns a promise only if the tool's schema is asynchronous.
 * @throws an error with the code `INVALID_ARGUMENTS`, or rejects with it
 */
export function checkArguments(tool: RegisteredTool, resolved: unknown): unknown {
  const checked = tool.checkArguments(resolved)
  return checked instanceof Promise ? checked.then(admit) : admit(checked)
}

/**
 * The arguments with JavaScript numbers, for a tool that does not accept `JsonNumber`.
 * @param warn receives a message that names the places of lost digits
 */
export function readDoubles(resolved: unknown, warn: (message: string) => void): unknown {
  const places = new Places()
  const doubles = replaceJsonNumbers(resolved, (number, path) => {
    places.add(path)
    return number.valueOf()
  })
  if (places.count > 0) {
    const what = `Numbers among the arguments lost digits${places.describe()}`
    warn(`${what}: the tool gets the nearest JavaScript numbers; \`exactNumbers\` keeps the digits`)
  }
  return doubles
}

function admit({ value, problems }: CheckedArguments): unknown {
  if (problems.length === 0) return value
  const named = problems
    .slice(0, MAX_NAMED)
    .map(({ pointer, message }) => (pointer === '' ? message : `${message} at \`${pointer}\``))
  const rest = problems.length > MAX_NAMED ? [`and ${problems.length - MAX_NAMED} more`] : []
  throw new InvalidArgumentsError([...named, ...rest].join('; '))
}
