import { describeValue } from '../errors.ts'
import { isJsonObject } from '../json/describe-json.ts'
import { stringifyJson } from '../json/stringify-json.ts'
import { createInputChecker } from './argument-checker.ts'
import type { JsonSchema, QuestionOptions } from './tool.ts'

/** Maximum size of the JSON of a schema, and of an answer, UTF-16 units. */
export const MAX_SCHEMA_SIZE: number = 64 * 1024
export const MAX_RESPONSE_SIZE: number = 256 * 1024

/** The longest time that a question can be open, ms: 100 years. */
const MAX_EXPIRES_MS = 100 * 365 * 24 * 60 * 60 * 1000

/** One fault of an answer; the message does not repeat the answer. */
export interface ResponseIssue {
  /** JSON Pointer into the answer. */
  readonly pointer: string
  readonly message: string
}

/** Why a question cannot be asked; `undefined` if it can. Never throws. */
export function findQuestionFault(question: QuestionOptions): string | undefined {
  try {
    return findFault(question)
  } catch (error) {
    return `the question cannot be read: ${error instanceof Error ? error.message : 'unknown error'}`
  }
}

function findFault(question: QuestionOptions): string | undefined {
  if (!isJsonObject(question)) return `expected an object with a \`message\`, got ${describeValue(question)}`
  const { message, schema, expiresMs, secret } = question
  if (typeof message !== 'string' || message.trim() === '') {
    return `expected \`message\` to be a text, got ${describeValue(message)}`
  }
  if (expiresMs !== undefined && !(typeof expiresMs === 'number' && expiresMs >= 0 && expiresMs <= MAX_EXPIRES_MS)) {
    return `expected \`expiresMs\` to be a number of milliseconds, 0 or more, got ${describeValue(expiresMs)}`
  }
  if (secret !== undefined && typeof secret !== 'boolean') {
    return `expected \`secret\` to be true or false, got ${describeValue(secret)}`
  }
  if (schema !== undefined) {
    if (!isJsonObject(schema)) return `expected \`schema\` to be a JSON Schema, got ${describeValue(schema)}`
    if (stringifyJson(schema).length > MAX_SCHEMA_SIZE) return `\`schema\` is larger than ${MAX_SCHEMA_SIZE} characters`
    const checker = createInputChecker(schema)
    if ('unusable' in checker) return `\`schema\` is not a usable JSON Schema: ${checker.unusable}`
  }
  if (question.default === undefined) return undefined
  const [issue] = checkResponse(schema, question.default)
  return issue && `\`default\` does not fit the schema: ${issue.message} at \`${issue.pointer}\``
}

/**
 * The faults of an answer; none if it fits. Never throws.
 * @param isSecret the messages say nothing but the place
 */
export function checkResponse(
  schema: JsonSchema | undefined,
  response: unknown,
  isSecret = false,
): readonly ResponseIssue[] {
  if (stringifyJson(response).length > MAX_RESPONSE_SIZE) {
    return [{ pointer: '', message: `Expected an answer of at most ${MAX_RESPONSE_SIZE} characters of JSON` }]
  }
  if (schema === undefined) return []
  const checker = createInputChecker(schema)
  if ('unusable' in checker) return [{ pointer: '', message: `The schema is not usable: ${checker.unusable}` }]
  const checked = checker.check(response)
  if (checked instanceof Promise) return []
  return checked.problems.map(({ pointer, message }) => {
    return { pointer, message: isSecret ? 'The value does not fit the schema' : withoutValue(message) }
  })
}

/** A message of the checker without the value that it found. */
function withoutValue(message: string): string {
  const found = message.indexOf(', got ')
  const expected = found < 0 ? message : message.slice(0, found)
  return expected.replace(/^-?[\d.e+-]+ is /, 'The number is ').replace('Unknown argument', 'Unknown member')
}
