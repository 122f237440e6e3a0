import type { StandardSchemaV1 } from '@standard-schema/spec'
import { DagstreamError, describeValue } from '../errors.ts'
import type { CheckedArguments, FoundProblem, SchemaCheck } from './argument-problem.ts'
import { formatPointer, quoteName } from './json-pointer.ts'
import { cutText } from '../text.ts'

/** Maximum length of a schema's message, characters. */
const MAX_MESSAGE = 200

/** A check by a Standard Schema (v1). @throws `INVALID_TOOL` if it has no `validate` */
export function createStandardSchemaCheck(toolName: string, schema: StandardSchemaV1): SchemaCheck {
  const standard = schema['~standard']
  if (typeof standard?.validate !== 'function') {
    const found = describeValue(standard)
    throw new DagstreamError(
      'INVALID_TOOL',
      `Tool \`${toolName}\`: expected \`inputSchema["~standard"]\` to have a function \`validate\`, got ${found}`,
    )
  }
  const isZod = standard.vendor === 'zod'
  const settle = (value: unknown, result: StandardSchemaV1.Result<unknown>): CheckedArguments<FoundProblem> => {
    if (!result.issues) return { value: result.value, problems: [] }
    return { value, problems: result.issues.flatMap(issue => toProblems(issue, value, isZod)) }
  }
  return value => {
    try {
      const result = standard.validate(value)
      if (!isThenable(result)) return settle(value, result)
      return Promise.resolve(result).then(
        settled => {
          try {
            return settle(value, settled)
          } catch (error) {
            return failed(value, error)
          }
        },
        (error: unknown) => failed(value, error),
      )
    } catch (error) {
      return failed(value, error)
    }
  }
}

function isThenable<Result>(result: Result | Promise<Result>): result is Promise<Result> {
  return typeof (result as { then?: unknown } | null)?.then === 'function'
}

function failed(value: unknown, error: unknown): CheckedArguments<FoundProblem> {
  const message = `The tool's schema could not check the arguments${error instanceof Error ? `: ${error.message}` : ''}`
  return { value, problems: [{ pointer: '', message: cutText(message, MAX_MESSAGE), isCertain: false }] }
}

function toProblems(issue: StandardSchemaV1.Issue, value: unknown, isZod: boolean): FoundProblem[] {
  const path = (issue.path ?? []).map(segment => String(typeof segment === 'object' ? segment.key : segment))
  const { code, keys } = issue as { code?: unknown; keys?: unknown }
  // Zod reports all unknown keys in one issue at their object; split it into one problem per key.
  if (isZod && code === 'unrecognized_keys' && Array.isArray(keys)) {
    return keys.map(key => ({
      pointer: formatPointer([...path, String(key)]),
      message: `Unknown argument ${quoteName(String(key))}`,
      isAboutKey: true as const,
      isCertain: true,
    }))
  }
  const { length, container } = measureExisting(path, value)
  const isMissing = length < path.length
  const missing = isMissing ? `${quoteName(path[length] ?? '')}: ` : ''
  return [
    {
      pointer: formatPointer(path.slice(0, length)),
      message: cutText(`${missing}${issue.message}`, MAX_MESSAGE),
      // For other vendors a missing key may depend on a value, and a workflow that may be valid must pass.
      isCertain: isZod && code !== 'custom' && isMissing && typeof container === 'object' && container !== null,
    },
  ]
}

/** The length of the existing part of the path: a missing value is reported at its object. */
function measureExisting(path: readonly string[], value: unknown): { length: number; container: unknown } {
  let container = value
  for (const [index, key] of path.entries()) {
    if (typeof container !== 'object' || container === null || !Object.hasOwn(container, key)) {
      return { length: index, container }
    }
    container = (container as Record<string, unknown>)[key]
  }
  return { length: path.length, container }
}
