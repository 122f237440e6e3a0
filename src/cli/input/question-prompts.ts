import { type Readable, Writable } from 'node:stream'
import type { CliProcess, TextStream } from '../process/console.ts'
import { toPlainLine } from '../render/text.ts'
import type { OpenInput } from '../target/execution-source.ts'

/** A person pressed Ctrl-C at a question. */
export const INTERRUPTED: unique symbol = Symbol('interrupted')

/** The longest list of choices, and of fields, that is asked by itself; anything larger is asked as JSON. */
const MAX_CHOICES = 50
const MAX_FIELDS = 20

type Schema = Readonly<Record<string, unknown>>

/** The settings of one prompt. */
interface Terminal {
  readonly input: Readable
  readonly output: Writable
  readonly signal: AbortSignal
  readonly withGuide: false
}

type Prompts = typeof import('@clack/prompts')

/** Whether a person can be asked: both sides of the terminal are there. */
export function canAsk({ stdin, stderr, env }: CliProcess): boolean {
  return stdin.isTTY === true && stderr.isTTY === true && env['TERM'] !== 'dumb'
}

/**
 * Asks one question on the terminal, by its schema: yes or no, a numbered list, a number, a text, field by field, or JSON.
 * @param signal ends the prompt: the question was answered elsewhere
 * @returns the answer; `undefined` once the signal has aborted
 */
export async function askPerson(
  { kind, message, responseSchema, secret, index, inputId }: OpenInput,
  process: CliProcess,
  signal: AbortSignal,
): Promise<unknown> {
  // Loaded for the first question.
  const prompts = await import('@clack/prompts')
  const output = createOutput(process.stderr)
  // A process on a terminal has a whole stream there.
  const input = process.stdin as unknown as Readable
  const terminal: Terminal = { input, output, signal, withGuide: false }
  const place = index === undefined ? '' : ` [${toPlainLine(inputId)}]`
  const schema = kind === 'approval' ? { type: 'boolean' } : (responseSchema ?? { type: 'string' })
  const shown = message.split('\n').map(toPlainLine).join('\n')
  const answer = await askValue(prompts, terminal, `${shown}${place}`, schema, secret === true)
  return signal.aborted && answer === INTERRUPTED ? undefined : answer
}

/** The library needs a whole stream. */
function createOutput(stream: TextStream): Writable {
  const output = new Writable({
    decodeStrings: false,
    write: (text: string, _, done) => void stream.write(text, done),
  })
  // A terminal that does not know its size has 0 of both.
  return Object.assign(output, { isTTY: true, columns: stream.columns || 80, rows: stream.rows || 24 })
}

async function askValue(
  prompts: Prompts,
  terminal: Terminal,
  message: string,
  schema: Schema,
  isSecret: boolean,
): Promise<unknown> {
  const choices = findChoices(schema)
  if (choices !== undefined) return askChoice(prompts, terminal, message, choices)
  const fields = findFields(schema)
  if (fields !== undefined && !isSecret) return askFields(prompts, terminal, message, fields, schema)
  const { type } = schema
  const initialValue = schema['default']
  if (type === 'boolean') {
    return finish(prompts, await prompts.confirm({ ...terminal, message, initialValue: initialValue === true }))
  }
  if (isSecret) {
    const given = finish(prompts, await prompts.password({ ...terminal, message }))
    return type === 'string' || given === INTERRUPTED ? given : readValue(given as string, type).value
  }
  const given = await prompts.text({
    ...terminal,
    message: type === 'string' ? message : `${message} (${describeType(type)})`,
    ...(initialValue !== undefined && { initialValue: writeInitial(initialValue) }),
    validate: text => readValue(text ?? '', type).fault,
  })
  const answer = finish(prompts, given)
  return answer === INTERRUPTED ? answer : readValue(answer as string, type).value
}

/** A numbered list that takes a number or the text itself. */
async function askChoice(
  prompts: Prompts,
  terminal: Terminal,
  message: string,
  choices: readonly Choice[],
): Promise<unknown> {
  const lines = choices.map(({ label }, at) => `  ${at + 1}. ${toPlainLine(label)}`)
  const find = (text = ''): Choice | undefined => {
    const wanted = text.trim()
    return choices.find(({ label, value }) => label === wanted || value === wanted) ?? choices[Number(wanted) - 1]
  }
  const given = await prompts.text({
    ...terminal,
    message: [message, ...lines].join('\n'),
    validate: text => (find(text) === undefined ? `Type a number from 1 to ${choices.length}, or the text` : undefined),
  })
  const answer = finish(prompts, given)
  return answer === INTERRUPTED ? answer : find(answer as string)?.value
}

/** One field after the other; an optional one may be left empty. */
async function askFields(
  prompts: Prompts,
  terminal: Terminal,
  message: string,
  fields: readonly (readonly [name: string, schema: Schema])[],
  { required }: Schema,
): Promise<unknown> {
  const answer: Record<string, unknown> = {}
  for (const [name, schema] of fields) {
    const { title, description, type } = schema
    const label = toPlainLine(typeof title === 'string' ? title : typeof description === 'string' ? description : name)
    const isNeeded = Array.isArray(required) && required.includes(name)
    const isText = findChoices(schema) === undefined && type !== 'boolean'
    const initialValue = schema['default']
    const isOptional = !isNeeded && isText
    const question = `${message}\n${label}${isOptional ? ' (optional)' : ''}`
    let value: unknown
    if (isOptional) {
      const given = await prompts.text({
        ...terminal,
        message: question,
        ...(initialValue !== undefined && { initialValue: writeInitial(initialValue) }),
        validate: text => ((text ?? '') === '' ? undefined : readValue(text ?? '', type).fault),
      })
      value = finish(prompts, given)
      if (value === INTERRUPTED) return value
      value = value === '' || value === undefined ? undefined : readValue(value as string, type).value
    } else value = await askValue(prompts, terminal, question, schema, false)
    if (value === INTERRUPTED) return value
    if (value !== undefined) answer[name] = value
  }
  return answer
}

interface Choice {
  readonly label: string
  readonly value: unknown
}

/** The values that a schema allows, where they are few and scalar. */
function findChoices({ enum: values, oneOf }: Schema): readonly Choice[] | undefined {
  const named = Array.isArray(oneOf) ? (oneOf as readonly Schema[]) : undefined
  const found =
    named?.every(each => typeof each === 'object' && each !== null && 'const' in each) === true
      ? named.map(({ const: value, title }) => ({ label: typeof title === 'string' ? title : String(value), value }))
      : Array.isArray(values)
        ? values.map((value: unknown) => ({ label: String(value), value }))
        : []
  const isUsable = found.length > 0 && found.length <= MAX_CHOICES
  return isUsable && found.every(({ value }) => typeof value !== 'object') ? found : undefined
}

/** The fields of a form: an object of scalars. */
function findFields({ type, properties }: Schema): readonly (readonly [string, Schema])[] | undefined {
  if (type !== 'object' || typeof properties !== 'object' || properties === null) return undefined
  const fields = Object.entries(properties as Record<string, Schema>)
  if (fields.length === 0 || fields.length > MAX_FIELDS) return undefined
  const isScalar = (schema: Schema): boolean =>
    findChoices(schema) !== undefined || ['string', 'number', 'integer', 'boolean'].includes(String(schema['type']))
  return fields.every(([, schema]) => typeof schema === 'object' && isScalar(schema)) ? fields : undefined
}

function readValue(text: string, type: unknown): { readonly value?: unknown; readonly fault?: string } {
  if (type === 'string') return { value: text }
  if (type === 'number' || type === 'integer') {
    const value = Number(text)
    const isFit = text.trim() !== '' && Number.isFinite(value) && (type === 'number' || Number.isInteger(value))
    return isFit ? { value } : { fault: `Type ${describeType(type)}` }
  }
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return { fault: 'Type JSON' }
  }
}

function describeType(type: unknown): string {
  return type === 'number' ? 'a number' : type === 'integer' ? 'a whole number' : 'JSON'
}

function writeInitial(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function finish(prompts: Prompts, answer: unknown): unknown {
  return prompts.isCancel(answer) ? INTERRUPTED : answer
}
