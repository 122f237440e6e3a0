import type { TokenUsage } from '../../events/token-usage.ts'

/** Usage as a provider reports it. Numbers are finite and ≥ 0; a reported zero stays, unreported values are absent. */
export interface ProviderUsage {
  readonly promptTokens: number
  readonly completionTokens: number
  readonly totalTokens: number
  /** The model that answered, else the requested one. */
  readonly model: string
  /** Prompt tokens read from a cache. */
  readonly cacheReads?: number
  /** Prompt tokens written to a cache. */
  readonly cacheWrites?: number
  /** US dollars. */
  readonly cost?: number
}

/**
 * Parses usage in any form that endpoints send. A value that is not a finite number ≥ 0 counts as absent.
 * @returns `undefined` without token counts
 */
export function parseUsage(found: unknown): Omit<ProviderUsage, 'model'> | undefined {
  const usage = asRecord(found)
  if (usage === undefined) return undefined
  const details = asRecord(usage['prompt_tokens_details']) ?? asRecord(usage['input_tokens_details']) ?? {}
  // OpenAI's names; Anthropic's, which some gateways forward.
  const completion = findCount(usage['completion_tokens'], usage['output_tokens'])
  const total = findCount(usage['total_tokens'])
  const prompt =
    findCount(usage['prompt_tokens'], usage['input_tokens']) ??
    (total === undefined ? undefined : Math.max(0, total - (completion ?? 0)))
  if (prompt === undefined && completion === undefined) return undefined
  const promptTokens = prompt ?? 0
  const completionTokens = completion ?? 0
  const cacheReads = findCount(
    details['cached_tokens'],
    usage['cache_read_input_tokens'],
    // DeepSeek's.
    usage['prompt_cache_hit_tokens'],
  )
  const cacheWrites = findCount(
    details['cache_write_tokens'],
    details['cache_creation_tokens'],
    usage['cache_creation_input_tokens'],
  )
  const cost = findCount(usage['cost'], usage['total_cost'])
  return {
    promptTokens,
    completionTokens,
    totalTokens: total ?? promptTokens + completionTokens,
    ...(cacheReads !== undefined && { cacheReads }),
    ...(cacheWrites !== undefined && { cacheWrites }),
    ...(cost !== undefined && { cost }),
  }
}

/** A provider's usage in the form of executions. */
export function toTokenUsage(usage: ProviderUsage): TokenUsage {
  return {
    totalTokensIn: usage.promptTokens,
    totalTokensOut: usage.completionTokens,
    ...(usage.cacheWrites !== undefined && { totalCacheWrites: usage.cacheWrites }),
    ...(usage.cacheReads !== undefined && { totalCacheReads: usage.cacheReads }),
    ...(usage.cost !== undefined && { totalCost: usage.cost }),
  }
}

/** The increase of a usage over an earlier one of the same answer, by field; empty if there is none. */
export function computeGrowth(usage: TokenUsage, earlier: TokenUsage | undefined): Partial<TokenUsage> {
  const growth: Record<string, number> = {}
  for (const [field, value] of Object.entries(usage)) {
    const before = earlier?.[field as keyof TokenUsage]
    // A zero that is reported for the first time stays.
    if (before === undefined || value > before) growth[field] = value - (before ?? 0)
  }
  return growth
}

/** The first that is a finite number ≥ 0. */
function findCount(...values: readonly unknown[]): number | undefined {
  return values.find((value): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0)
}

/** The value if it is an object and not an array. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}
