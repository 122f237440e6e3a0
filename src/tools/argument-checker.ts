import type { StandardSchemaV1 } from '@standard-schema/spec'
import { DagstreamError, describeValue } from '../errors.ts'
import { replaceJsonNumbers, toDoubles } from '../json/replace-numbers.ts'
import type { JsonNumber } from '../json/json-number.ts'
import type { ArgumentProblem, CheckedArguments, FoundProblem, SchemaCheck } from './argument-problem.ts'
import { compileJsonSchema, createJsonSchemaCheck } from './json-schema.ts'
import { createStandardSchemaCheck } from './standard-schema.ts'
import type { JsonSchema } from './tool.ts'

/** Checks the arguments of one tool. */
export interface ArgumentChecker {
  /**
   * Checks resolved arguments. If a Standard Schema has defaults or transforms, `value` is its output.
   * Never throws or rejects; returns a promise only if the schema is asynchronous.
   */
  check(value: unknown): CheckedArguments | Promise<CheckedArguments>
  /**
   * Checks arguments before anything runs. Problems at, inside or above a reference are omitted, unless they follow from
   * the keys alone. An asynchronous schema reports no problems here.
   * @param references JSON Pointers of the strings that hold references
   */
  checkUnresolved(value: unknown, references: readonly string[]): readonly ArgumentProblem[]
}

/** Maximum number of problems per check. */
const MAX_PROBLEMS = 100

/**
 * Creates the checker of a tool.
 * @param exactNumbers whether the tool receives `JsonNumber`s. A JSON Schema then checks the nearest finite doubles; a
 * Standard Schema, whose output the tool receives, checks the `JsonNumber`s. If false, resolved arguments hold none.
 * @throws `INVALID_TOOL` for an unusable schema
 */
export function createArgumentChecker(
  toolName: string,
  schema: JsonSchema | StandardSchemaV1,
  exactNumbers = false,
): ArgumentChecker {
  return wrapCheck(createCheck(toolName, schema, exactNumbers), exactNumbers)
}

/**
 * Creates the checker of a workflow's input, whose numbers keep their digits. The time of each check is bounded.
 * @returns why the schema is unusable, if it is
 */
export function createInputChecker(schema: JsonSchema): ArgumentChecker | { readonly unusable: string } {
  const check = compileJsonSchema(schema, true)
  return typeof check === 'function' ? wrapCheck(keepNumbers(check), true) : check
}

function wrapCheck(check: SchemaCheck, exactNumbers: boolean): ArgumentChecker {
  return {
    check(value) {
      const checked = check(value)
      return checked instanceof Promise ? checked.then(cut) : cut(checked)
    },
    checkUnresolved(value, references) {
      const checked = check(exactNumbers ? value : toDoubles(value))
      // The promise never rejects, and its result would come too late.
      if (checked instanceof Promise || checked.problems.length === 0) return []
      const isOpen = findOpenPlaces(references)
      const problems = checked.problems.filter(({ isCertain, decidedBy, pointer }) => {
        return isCertain || !isOpen(decidedBy ?? pointer)
      })
      return problems.slice(0, MAX_PROBLEMS).map(toProblem)
    },
  }
}

function createCheck(toolName: string, schema: JsonSchema | StandardSchemaV1, exactNumbers: boolean): SchemaCheck {
  // Some Standard Schemas are functions.
  const isSchema =
    (typeof schema === 'object' || typeof schema === 'function') && schema !== null && !Array.isArray(schema)
  if (!isSchema) {
    throw new DagstreamError(
      'INVALID_TOOL',
      `Tool \`${toolName}\`: expected \`inputSchema\` to be a JSON Schema or a Standard Schema, got ${describeValue(schema)}`,
    )
  }
  if ('~standard' in schema) return createStandardSchemaCheck(toolName, schema as StandardSchemaV1)
  const check = createJsonSchemaCheck(toolName, schema)
  return exactNumbers ? keepNumbers(check) : check
}

/** Checks the nearest finite doubles of `JsonNumber`s, and returns the value as it is. */
function keepNumbers(check: SchemaCheck): SchemaCheck {
  return value => {
    const checked = check(replaceJsonNumbers(value, toFiniteDouble))
    return checked instanceof Promise ? checked : { ...checked, value }
  }
}

/** Clamps to finite doubles: an overflowing integer still counts as an integer and exceeds every bound. */
function toFiniteDouble(number: JsonNumber): number {
  return Math.max(-Number.MAX_VALUE, Math.min(number.valueOf(), Number.MAX_VALUE))
}

function cut(checked: CheckedArguments<FoundProblem>): CheckedArguments {
  if (checked.problems.length === 0) return checked
  return { value: checked.value, problems: checked.problems.slice(0, MAX_PROBLEMS).map(toProblem) }
}

function toProblem({ pointer, message, isAboutKey }: FoundProblem): ArgumentProblem {
  return isAboutKey ? { pointer, message, isAboutKey } : { pointer, message }
}

/** @returns a predicate: whether a pointer is at, inside or above a reference */
function findOpenPlaces(references: readonly string[]): (pointer: string) => boolean {
  const held = new Set(references)
  const above = new Set<string>()
  for (const reference of references) for (const place of enclosing(reference)) above.add(place)
  return pointer => held.has(pointer) || above.has(pointer) || enclosing(pointer).some(place => held.has(place))
}

/** The pointers of all values that enclose a place, including the root. */
function enclosing(pointer: string): string[] {
  const places: string[] = []
  for (let end = pointer.lastIndexOf('/'); end >= 0; end = end === 0 ? -1 : pointer.lastIndexOf('/', end - 1)) {
    places.push(pointer.slice(0, end))
  }
  return places
}
