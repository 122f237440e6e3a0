import { asRecord } from './provider-usage.ts'

type Fields = Readonly<Record<string, unknown>>

/** The choice with index 0; a missing index counts as 0. */
export function findFirstChoice(choices: readonly unknown[]): Fields | undefined {
  for (const each of choices) {
    const choice = asRecord(each)
    if (choice !== undefined && (choice['index'] ?? 0) === 0) return choice
  }
  return undefined
}

/** The shape of text completions, which some endpoints use for chats too. */
export function readLegacyText(choice: Fields | undefined): Fields | undefined {
  const text = choice?.['text']
  return typeof text === 'string' ? { content: text } : undefined
}

/** Joins content in parts, as Mistral and others send it for some models. */
export function joinParts(content: unknown): string {
  if (!Array.isArray(content)) return ''
  return content
    .map(part => asRecord(part)?.['text'])
    .filter(text => typeof text === 'string')
    .join('')
}
