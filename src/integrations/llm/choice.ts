import { asRecord } from './provider-usage.ts'

type Fields = Readonly<Record<string, unknown>>

/** The choice with index 0; one without an index counts as that. */
export function findFirstChoice(choices: readonly unknown[]): Fields | undefined {
  for (const each of choices) {
    const choice = asRecord(each)
    if (choice !== undefined && (choice['index'] ?? 0) === 0) return choice
  }
  return undefined
}

/** The form of text completions, which some endpoints give for chats too. */
export function readLegacyText(choice: Fields | undefined): Fields | undefined {
  const text = choice?.['text']
  return typeof text === 'string' ? { content: text } : undefined
}

/** Mistral, and others for some models, give content in parts. */
export function joinParts(content: unknown): string {
  if (!Array.isArray(content)) return ''
  return content
    .map(part => asRecord(part)?.['text'])
    .filter(text => typeof text === 'string')
    .join('')
}
