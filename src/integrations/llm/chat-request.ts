import { describeValue, invalidOption } from '../../errors.ts'
import { applyRefusals, type RefusedFields } from './adjustments.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import type { ProviderInput, ProviderParams } from './provider.ts'
import { failure } from './stream-error.ts'
import { toWellFormedJson } from '../../text.ts'

/** What an endpoint is asked, beside what the caller says. */
export interface RequestDefaults {
  readonly model: string
  /** Asks for cost the way OpenRouter wants it; others refuse the field. */
  readonly wantsCost: boolean
  /** Further fields, where the caller gives none of the same name. */
  readonly extra: Readonly<Record<string, unknown>> | undefined
  /** Fields that are left out beside those of the caller. */
  readonly omit: readonly string[]
  /** What the endpoint has refused before. */
  readonly refused: RefusedFields
}

/** The body of a request, and the names of its fields. */
export interface ChatRequest {
  readonly json: string
  readonly fields: readonly string[]
  /** Of the fields those that are missing or renamed because they were refused. */
  readonly changed: readonly string[]
}

/** Fields without which there is no answer that can be read. */
const REQUIRED: ReadonlySet<string> = new Set(['messages', 'stream'])

/**
 * The body of a request for a streamed answer, as JSON.
 * @throws ProviderError `INVALID_REQUEST` for what no endpoint could understand
 */
export function writeChatRequest(input: ProviderInput, params: ProviderParams, defaults: RequestDefaults): ChatRequest {
  const { temperature, maxTokens, stop, tools, extra, omit = [] } = params
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
  if (!isNames(omit)) {
    throw refuse('`omit`', 'names of fields other than `messages` and `stream`', omit)
  }
  if (extra !== undefined && (typeof extra !== 'object' || extra === null || Array.isArray(extra))) {
    throw refuse('`extra`', 'an object', extra)
  }
  const all = {
    stream_options: { include_usage: true },
    ...(defaults.wantsCost && { usage: { include: true } }),
    ...defaults.extra,
    ...extra,
    model,
    messages: typeof input === 'string' ? [{ role: 'user', content: input }] : input,
    ...(temperature !== undefined && { temperature }),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(stop !== undefined && { stop }),
    ...(tools !== undefined && { tools }),
    stream: true,
  }
  const kept = Object.entries(all).filter(([name]) => !omit.includes(name) && !defaults.omit.includes(name))
  const body = applyRefusals(Object.fromEntries(kept), defaults.refused)
  try {
    return {
      // Providers refuse a request with half of a character.
      json: toWellFormedJson(stringifyJson(body)),
      fields: Object.keys(body),
      changed: kept.map(([name]) => name).filter(name => defaults.refused.has(name)),
    }
  } catch {
    // A cycle, a BigInt, or something that throws when it is read.
    throw failure('INVALID_REQUEST', 'Expected the request to be JSON')
  }
}

/** Checks options that change every request. @throws `INVALID_OPTION` */
export function checkFields({ extra = {}, omit = [] }: { extra?: unknown; omit?: unknown }): void {
  if (typeof extra !== 'object' || extra === null || Array.isArray(extra)) {
    throw invalidOption('extra', 'an object', extra)
  }
  if (!isNames(omit)) throw invalidOption('omit', 'names of fields other than `messages` and `stream`', omit)
}

/** Whether these can be left out of a request. */
export function isNames(omit: unknown): omit is readonly string[] {
  return Array.isArray(omit) && omit.every(name => typeof name === 'string' && !REQUIRED.has(name))
}

function refuse(what: string, expected: string, found: unknown): Error {
  return failure('INVALID_REQUEST', `Expected ${what} to be ${expected}, got ${describeValue(found)}`)
}
