import { JsonValue } from '../events/json-value.ts'
import { stringifyJson } from '../json/stringify-json.ts'
import { type ArgumentChecker, createInputChecker } from '../tools/argument-checker.ts'
import type { ArgumentProblem } from '../tools/argument-problem.ts'
import { formatPointer, quoteName } from '../tools/json-pointer.ts'
import type { RegisteredTool } from '../tools/registry.ts'
import type { JsonSchema } from '../tools/tool.ts'
import { explainMissing } from './follow-path.ts'
import type { IssueList } from './issues.ts'
import { EACH, type Reference } from './references.ts'
import { report, type Walk } from './walk.ts'

/** Checks the input of a workflow by its `inputSchema`. */
export interface InputCheck {
  /** A copy of `inputSchema`. */
  readonly schema: JsonValue
  /** The faults of an input; `undefined` is checked as `{}`. At most 100. Never throws. */
  check(value: unknown): readonly ArgumentProblem[]
  /** As of a tool. */
  readonly checkUnresolved: ArgumentChecker['checkUnresolved']
}

/** A reference into the input, and the string of the document that holds it. */
export interface InputReference {
  readonly reference: Reference
  readonly pointer: string
  /** The text directly after it. */
  readonly behind: string
}

/** The requirements of a workflow on its input. */
export interface InputNeeds {
  readonly inputCheck?: InputCheck | undefined
  readonly inputReferences: readonly InputReference[]
}

/** Compiles a copy of an `inputSchema`. Reports one that is unusable, and returns `undefined`. */
export function compileInputSchema(given: object, walk: Walk): InputCheck | undefined {
  const schema = copySchema(given)
  const checker = schema ? createInputChecker(schema.peek() as JsonSchema) : { unusable: 'it is not JSON' }
  if ('unusable' in checker) {
    report(walk, 'INVALID_SHAPE', () => `Expected \`inputSchema\` to be a usable JSON Schema: ${checker.unusable}`)
    return undefined
  }
  return Object.freeze({
    schema: schema as JsonValue,
    check(value: unknown) {
      const checked = checker.check(value === undefined ? {} : value)
      // Only the schema of a tool can be asynchronous.
      return checked instanceof Promise ? [] : checked.problems.map(nameMember)
    },
    checkUnresolved: (value: unknown, references: readonly string[]) => checker.checkUnresolved(value, references),
  })
}

/** @returns `undefined` for a value that is not JSON, such as a schema that contains itself */
function copySchema(given: object): JsonValue | undefined {
  try {
    return JsonValue.fromText(stringifyJson(given))
  } catch {
    return undefined
  }
}

function nameMember({ message, ...rest }: ArgumentProblem): ArgumentProblem {
  return {
    ...rest,
    message: message.replace(/^Unknown argument/, 'Unknown field').replace(/^The arguments/, 'The input'),
  }
}

/**
 * The placeholder tool of a task that runs a workflow. It is never called; its schema is the `inputSchema`.
 * @param name of a registered workflow
 */
export function createWorkflowTool(name: string | undefined, input: InputCheck | undefined): RegisteredTool {
  const toolName = name === undefined ? 'workflow' : `workflow:${name}`
  const execute = (): never => {
    throw new Error(`\`${toolName}\` is not a tool`)
  }
  return Object.freeze({
    name: toolName,
    tool: { name: toolName, execute },
    exactNumbers: true,
    isPlanner: false,
    hasSchema: input !== undefined,
    checkArguments: (value: unknown) => ({ value, problems: input?.check(value) ?? [] }),
    checkUnresolvedArguments: (value: unknown, references: readonly string[]) =>
      input?.checkUnresolved(value, references) ?? [],
    execute,
  })
}

/**
 * Adds an `INVALID_INPUT` for every fault of the input, and an `UNKNOWN_REFERENCE` for every reference to a path that is
 * missing from it, unless an `INVALID_INPUT` reports that.
 */
export function checkInput(
  { inputCheck, inputReferences }: InputNeeds,
  input: JsonValue | undefined,
  issues: IssueList,
): void {
  const problems = inputCheck?.check(input?.peek()) ?? []
  for (const { pointer, message } of problems) {
    const hint = input === undefined ? { hint: 'The execution was given no input' } : {}
    issues.add('INVALID_INPUT', pointer, message, { in: 'input', ...hint })
  }
  for (const { reference, pointer, behind } of inputReferences) {
    const found = explainMissing(reference, input, behind)
    if (found === undefined || problems.some(problem => isTold(problem, reference, found.depth))) continue
    const { missing, hint } = found
    if (issues.isFull) issues.skip()
    else issues.add('UNKNOWN_REFERENCE', pointer, missing, hint === undefined ? {} : { hint })
  }
}

/**
 * Whether a fault of the input explains why a reference does not exist.
 * @param depth length of the part of its path that exists
 */
function isTold({ pointer, message }: ArgumentProblem, { path }: Reference, depth: number): boolean {
  const existing = path.slice(0, depth).map(step => (step === EACH ? '' : step))
  const place = formatPointer(existing)
  const step = path[depth]
  // A missing key says nothing of the other keys.
  if (message.startsWith('Missing ')) {
    return place === pointer && typeof step === 'string' && message === `Missing ${quoteName(step)}`
  }
  return place === pointer || place.startsWith(`${pointer}/`)
}
