import { describeValue } from '../../errors.ts'
import { applyRefusals, type RefusedFields } from './adjustments.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import type { ProviderInput, ProviderParams } from './provider.ts'
import { isNames } from './request-fields.ts'
import { failure } from './stream-error.ts'
import { toWellFormedJson } from '../../text.ts'

/** Defaults of a request besides the caller's input. */
export interface RequestDefaults {
  readonly model: string
  /** Whether to request cost as OpenRouter does; others reject the field. */
  readonly wantsCost: boolean
  /** Additional fields, unless the caller sets the same name. */
  readonly extra: Readonly<Record<string, unknown>> | undefined
  /** Fields to omit besides the caller's. */
  readonly omit: readonly string[]
  /** Fields that the endpoint has rejected before. */
  readonly refused: RefusedFields
}

/** The body of a request, and the names of its fields. */
export interface ChatRequest {
  readonly json: string
  readonly fields: readonly string[]
  /** Fields omitted or renamed because they were rejected. */
  readonly changed: readonly string[]
}

/**
 * The body of a request for a streamed answer, as JSON.
 * @throws ProviderError `INVALID_REQUEST` for a request that no endpoint could accept
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
      // Providers reject a request with a lone surrogate.
      json: toWellFormedJson(stringifyJson(body)),
      fields: Object.keys(body),
      changed: kept.map(([name]) => name).filter(name => defaults.refused.has(name)),
    }
  } catch {
    // A cycle, a BigInt, or a throwing getter.
    throw failure('INVALID_REQUEST', 'Expected the request to be JSON')
  }
}

function refuse(what: string, expected: string, found: unknown): Error {
  return failure('INVALID_REQUEST', `Expected ${what} to be ${expected}, got ${describeValue(found)}`)
}
