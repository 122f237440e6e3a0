import type { Answer, Question } from '../../attempt/runner.ts'
import { DagstreamError } from '../../errors.ts'
import { JsonValue } from '../../events/json-value.ts'
import { NotSerializableError } from '../../events/serialize.ts'
import type { InputState } from '../../events/inputs.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { checkResponse, type ResponseIssue } from '../../tools/question.ts'
import { cutMessage } from '../emissions.ts'

/** Whether an attempt asks the question that an earlier one asked under the same id. */
export function isSameQuestion(input: InputState, { message, schema }: Question): boolean {
  return input.message === cutMessage(message) && writeSchema(input.responseSchema) === writeSchema(schema)
}

function writeSchema(schema: unknown): string {
  return schema === undefined ? '' : stringifyJson(schema)
}

/** The answer that the tool of a closed question gets; `undefined` if the secret answer is lost. */
export function toAnswer(
  { outcome, response, inputId }: InputState,
  question: Question,
  secret: JsonValue | undefined,
): Answer | undefined {
  if (outcome === 'declined') return fail('INPUT_DECLINED', `The question \`${inputId}\` was declined`)
  if (outcome === 'expired') {
    const fallback = response ?? question.default
    if (fallback === undefined) return fail('INPUT_EXPIRED', `Nobody answered the question \`${inputId}\` in time`)
    return { status: 'answered', response: JsonValue.from(fallback).read() }
  }
  if (question.secret) return secret && { status: 'answered', response: secret.read() }
  return { status: 'answered', response: JsonValue.from(response).read() }
}

/** The answer of a question that was not asked like this. */
export function describeMismatch(inputId: string): Answer {
  return fail(
    'INPUT_MISMATCH',
    `Another attempt asked another question as \`${inputId}\`: each attempt must ask the same questions in the same order`,
  )
}

function fail(code: 'INPUT_DECLINED' | 'INPUT_EXPIRED' | 'INPUT_MISMATCH', message: string): Answer {
  return { status: 'failed', code, message }
}

/** The answer of a person as JSON. @throws `INVALID_RESPONSE` with `details.issues`, which do not repeat it */
export function readResponse({ inputId, kind, responseSchema, secret }: InputState, response: unknown): JsonValue {
  const { value, issues } = check(kind === 'approval' ? APPROVAL_SCHEMA : responseSchema, response, secret === true)
  if (value !== undefined && issues.length === 0) return value
  const { message: fault = '', pointer = '' } = issues[0] ?? {}
  const place = pointer === '' ? '' : ` at \`${pointer}\``
  const message = `The answer does not fit the question \`${inputId}\`: ${fault}${place}`
  throw new DagstreamError('INVALID_RESPONSE', message, { details: { issues } })
}

const APPROVAL_SCHEMA = { type: 'boolean' }

function check(
  schema: InputState['responseSchema'],
  response: unknown,
  isSecret: boolean,
): { readonly value?: JsonValue; readonly issues: readonly ResponseIssue[] } {
  const missing = [{ pointer: '', message: 'Expected an answer that is JSON' }]
  if (response === undefined) return { issues: missing }
  try {
    const value = JsonValue.from(response)
    return { value, issues: checkResponse(schema, value.peek(), isSecret) }
  } catch (error) {
    if (error instanceof NotSerializableError) return { issues: missing }
    throw error
  }
}
