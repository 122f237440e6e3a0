import { describeValue } from '../../errors.ts'
import type { ProviderInput, ProviderParams } from './provider.ts'
import { failure } from './stream-error.ts'
import { toWellFormedJson } from '../../text.ts'

/** What an endpoint is asked, beside what the caller says. */
export interface RequestDefaults {
  readonly model: string
  /** Asks for cost the way OpenRouter wants it; others refuse the field. */
  readonly wantsCost: boolean
}

/**
 * The body of a request for a streamed answer, as JSON.
 * @throws ProviderError `INVALID_REQUEST` for what no endpoint could understand
 */
export function writeChatRequest(input: ProviderInput, params: ProviderParams, defaults: RequestDefaults): string {
  const { temperature, maxTokens, stop, tools, extra } = params
  if (typeof input !== 'string' && !(Array.isArray(input) && input.length > 0)) {
    throw refuse('the input', 'a string or an array of messages', input)
  }
  const model = params.model ?? defaults.model
  if (typeof model !== 'string' || model === '') throw refuse('`model`', 'the name of a model', model)
  if (temperature !== undefined && !Number.isFinite(temperature)) {
    throw refuse('`temperature`', 'a finite number', temperature)
  }
  if (maxTokens !== undefined && !(Number.isInteger(maxTokens) && maxTokens > 0)) {
    throw refuse('`maxTokens`', 'a positive integer', maxTokens)
  }
  const body = {
    ...extra,
    model,
    messages: typeof input === 'string' ? [{ role: 'user', content: input }] : input,
    ...(temperature !== undefined && { temperature }),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(stop !== undefined && { stop }),
    ...(tools !== undefined && { tools }),
    stream: true,
    stream_options: { include_usage: true },
    ...(defaults.wantsCost && { usage: { include: true } }),
  }
  try {
    // Providers refuse a request with half of a character.
    return toWellFormedJson(JSON.stringify(body))
  } catch {
    // A cycle, a BigInt, or something that throws when it is read.
    throw failure('INVALID_REQUEST', 'Expected the request to be JSON')
  }
}

function refuse(what: string, expected: string, found: unknown): Error {
  return failure('INVALID_REQUEST', `Expected ${what} to be ${expected}, got ${describeValue(found)}`)
}
