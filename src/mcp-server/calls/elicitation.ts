import type { InputQuestion } from '../../events/events.ts'
import type { PersonAnswer } from '../../engine/inputs/answer-stored.ts'
import { isJsonObject } from '../../json/describe-json.ts'
import type { JsonSchema } from '../../tools/tool.ts'

/** The form that a host shows: an object of flat fields. */
export interface ElicitationForm {
  readonly message: string
  readonly requestedSchema: {
    readonly type: 'object'
    readonly properties: Readonly<Record<string, object>>
    readonly required?: readonly string[]
  }
  /** The answer to the question, from the content of the form. */
  readonly toAnswer: (content: Readonly<Record<string, unknown>>) => PersonAnswer
}

/** Field of a form for an answer that is no object. */
const ANSWER = 'answer'

const PRIMITIVES: ReadonlySet<unknown> = new Set(['string', 'number', 'integer', 'boolean'])

/** Keywords of fields that the protocol allows (2025-11-25, elicitation); hosts refuse others. */
const KEYWORDS: ReadonlySet<string> = new Set([
  'type',
  'title',
  'description',
  'default',
  'enum',
  'enumNames',
  'minLength',
  'maxLength',
  'format',
  'minimum',
  'maximum',
])

/**
 * The form of a question. `undefined` for a question that no form can ask: with an answer that is nested, and for a secret, which the
 * protocol forbids to ask for in a form.
 */
export function describeForm(question: InputQuestion): ElicitationForm | undefined {
  const { message, responseSchema, kind, secret } = question
  if (secret) return undefined
  if (kind === 'approval') {
    return createForm(describeMessage(question), { type: 'boolean', title: 'Approve' }, answer => answer === true)
  }
  if (responseSchema === undefined) return createForm(message, { type: 'string' }, answer => answer)
  const text = describeMessage(question)
  const field = describeField(responseSchema)
  if (field !== undefined) return createForm(text, field, answer => answer)
  return describeFields(text, responseSchema)
}

function describeMessage({ message, taskId, item }: InputQuestion): string {
  return item === undefined ? message : `${message}\n${taskId}: ${JSON.stringify(item)}`
}

function createForm(message: string, field: object, read: (answer: unknown) => unknown): ElicitationForm {
  return {
    message,
    requestedSchema: { type: 'object', properties: { [ANSWER]: field }, required: [ANSWER] },
    toAnswer: content => ({ response: read(content[ANSWER]) }),
  }
}

function describeFields(message: string, schema: JsonSchema): ElicitationForm | undefined {
  const { type, properties, required } = schema
  if (type !== 'object' || !isJsonObject(properties)) return undefined
  const fields: Record<string, object> = {}
  for (const [name, property] of Object.entries(properties)) {
    const field = isJsonObject(property) ? describeField(property) : undefined
    if (field === undefined) return undefined
    fields[name] = field
  }
  return {
    message,
    requestedSchema: {
      type: 'object',
      properties: fields,
      ...(Array.isArray(required) && { required: required as string[] }),
    },
    toAnswer: content => ({ response: content }),
  }
}

/** The keywords that hosts know; the others are checked when the answer comes. `undefined` for a field that is nested. */
function describeField(schema: JsonSchema): object | undefined {
  const { type, enum: choices } = schema
  const isChoice = Array.isArray(choices) && choices.length > 0 && choices.every(each => typeof each === 'string')
  if (choices !== undefined && !isChoice) return undefined
  if (type === undefined ? !isChoice : !PRIMITIVES.has(type)) return undefined
  const known = Object.entries(schema).filter(([name]) => KEYWORDS.has(name))
  return { type: 'string', ...Object.fromEntries(known) }
}
