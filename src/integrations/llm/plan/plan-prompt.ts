import { invalidOption } from '../../../errors.ts'
import { stringifyJson } from '../../../json/stringify-json.ts'
import type { DescribedTool } from '../../../tools/plan-room.ts'
import { cutText } from '../../../text.ts'
import type { ChatMessage } from '../provider.ts'
import { LANGUAGE } from './language.ts'
import type { PlanIssue } from './plan-issue.ts'

/** A token is counted as three bytes of UTF-8: more than tokenizers of today count for English and JSON. */
const BYTES_PER_TOKEN = 3

/** Length of a description that is shortened, characters. */
const SHORT_DESCRIPTION = 80

/** Maximum length of a refused line in a repair, characters. */
const MAX_SHOWN_LINE = 4000

const ORDERS = `You plan work. You do not write the whole document: you write its tasks as NDJSON.
- One task per line, one complete JSON object on each line, nothing else: no sentences, no code fence, no array, no \`tasks\`, \`finally\`, \`inputSchema\` or \`output\` around them.
- A task depends on tasks of earlier lines only. The first tasks run while you write the others: write what can begin at once first.
- Use only the tools below, with arguments that fit their schemas. Refer to outputs instead of guessing them.
- The last line is {"seal": true}.`

/** The tools that a plan may use, such as a `ToolRegistry`. */
export type PlanTools = Iterable<{ readonly tool: DescribedTool }>

/** What a refused line is, and why. */
export interface RefusedLine {
  /** Its number among the lines that were read, from 1. */
  readonly line: number
  readonly text: string
  readonly issues: readonly PlanIssue[]
}

/** The number of tokens that the budget of a prompt counts for a text. */
export function countTokens(text: string): number {
  return Math.ceil(new TextEncoder().encode(text).byteLength / BYTES_PER_TOKEN)
}

/**
 * The messages that ask a model for a plan: the language, the tools, the request. Tools that do not fit the budget with their
 * schemas are described shorter, all alike: without the descriptions in their schemas, then by the names of their arguments, then
 * with short descriptions.
 * @param maxTokens of all messages together
 * @throws `INVALID_OPTION` if the shortest form exceeds the budget
 */
export function writePlanPrompt(given: PlanTools, prompt: string, maxTokens: number): readonly ChatMessage[] {
  const frame = `${ORDERS}\n\n# The language\n\n${LANGUAGE}\n\n# The tools\n\n`
  const left = maxTokens - countTokens(frame) - countTokens(prompt)
  let needed = 0
  const tools = Array.from(given, ({ tool }) => tool)
  for (const describe of [describeWhole, describeBare, describeNames, describeShort]) {
    const text = tools.map(tool => describe(tool)).join('\n')
    needed = countTokens(text)
    if (needed <= left) {
      return [
        { role: 'system', content: frame + text },
        { role: 'user', content: prompt },
      ]
    }
  }
  const expected = `at least ${maxTokens - left + needed}: the prompt and ${tools.length} tools need as many. Give fewer tools`
  throw invalidOption('maxPromptTokens', expected, maxTokens)
}

/** The message that asks for the lines that are missing. */
export function writeRepair(refused: readonly RefusedLine[], acceptedIds: readonly string[], isCut: boolean): string {
  const shown = refused.map(({ text, issues }) => {
    const problems = issues.map(({ code, pointer, message, hint }) => {
      const place = pointer === '' ? '' : ` ${pointer}`
      return `  - ${code}${place}: ${message}${hint === undefined ? '' : ` (${hint})`}`
    })
    return [cutText(text, MAX_SHOWN_LINE), ...problems].join('\n')
  })
  return [
    ...(isCut ? ['Your answer was cut off at its end.'] : []),
    ...(shown.length > 0 ? ['These lines were refused:', ...shown] : []),
    acceptedIds.length > 0
      ? `Accepted are the tasks ${acceptedIds.map(id => JSON.stringify(id)).join(', ')}: do not write them again.`
      : 'No task was accepted so far.',
    'Write only the missing lines, one JSON object per line, then {"seal": true}.',
  ].join('\n')
}

/**
 * What a request says of a plan that broke off: its tasks, as far as the budget reaches, else their ids.
 * @param maxTokens those that are left
 */
export function writeContinuation(accepted: readonly unknown[], maxTokens: number): string {
  const head = 'An earlier answer broke off. These tasks of it were accepted: do not write them again.'
  const end = 'Write only the missing lines, one JSON object per line, then {"seal": true}.'
  const write = (lines: readonly string[]): string => [head, ...lines, end].join('\n')
  const whole = write(accepted.map(task => stringifyJson(task)))
  return countTokens(whole) <= maxTokens
    ? whole
    : write([accepted.map(task => JSON.stringify((task as { readonly id?: unknown }).id)).join(', ')])
}

function describe({ name, description, readOnly }: DescribedTool, maxDescription = Infinity): string {
  const text = description === undefined ? '' : `: ${cutText(description.replaceAll(/\s+/g, ' '), maxDescription)}`
  return `- ${name}${readOnly ? ' (read-only)' : ''}${text}`
}

function schemaOf({ inputSchema }: DescribedTool): object | undefined {
  return inputSchema === undefined || '~standard' in inputSchema ? undefined : inputSchema
}

function describeWhole(tool: DescribedTool): string {
  const schema = schemaOf(tool)
  return describe(tool) + (schema === undefined ? '' : `\n  arguments: ${JSON.stringify(schema)}`)
}

function describeBare(tool: DescribedTool): string {
  const schema = schemaOf(tool)
  return describe(tool) + (schema === undefined ? '' : `\n  arguments: ${JSON.stringify(withoutTexts(schema))}`)
}

function describeNames(tool: DescribedTool): string {
  return describe(tool) + nameArguments(tool)
}

function describeShort(tool: DescribedTool): string {
  return describe(tool, SHORT_DESCRIPTION) + nameArguments(tool)
}

/** `arguments: query, limit?` */
function nameArguments(tool: DescribedTool): string {
  const { properties = {}, required = [] } = (schemaOf(tool) ?? {}) as {
    readonly properties?: object
    readonly required?: readonly string[]
  }
  const names = Object.keys(properties).map(name => (required.includes(name) ? name : `${name}?`))
  return names.length === 0 ? '' : `\n  arguments: ${names.join(', ')}`
}

/** A schema without annotations. A property may have the name of one, so those of `properties` stay. */
function withoutTexts(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutTexts)
  if (typeof schema !== 'object' || schema === null) return schema
  const kept = Object.entries(schema).filter(
    ([name]) => !['description', 'title', 'examples', '$comment'].includes(name),
  )
  return Object.fromEntries(
    kept.map(([name, value]) => {
      if (name === 'enum' || name === 'const' || name === 'default') return [name, value]
      if (name !== 'properties' || typeof value !== 'object' || value === null) return [name, withoutTexts(value)]
      return [name, Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutTexts(each)]))]
    }),
  )
}
