/** Tokens and cost. Every number is finite and ≥ 0. A reported zero is kept; an unreported field is absent. */
export interface TokenUsage {
  /** Tokens sent to models. */
  readonly totalTokensIn: number
  /** Tokens received from models. */
  readonly totalTokensOut: number
  /** Tokens written to a provider's cache. */
  readonly totalCacheWrites?: number
  /** Tokens read from a provider's cache. */
  readonly totalCacheReads?: number
  /** Cost in US dollars. */
  readonly totalCost?: number
  /** Tokens in the model's context after the last call. The latest value counts; it is not summed. */
  readonly contextTokens?: number
}

const SUMMED = ['totalTokensIn', 'totalTokensOut', 'totalCacheWrites', 'totalCacheReads', 'totalCost'] as const
const FIELDS = [...SUMMED, 'contextTokens'] as const

/** Adds two usages: counts and cost are summed, `contextTokens` is the later value, absent fields stay absent. */
export function addTokenUsage(earlier: TokenUsage | undefined, later: Partial<TokenUsage>): TokenUsage {
  const sum: { -readonly [K in keyof TokenUsage]: TokenUsage[K] } = { totalTokensIn: 0, totalTokensOut: 0 }
  for (const field of SUMMED) {
    const a = earlier?.[field]
    const b = later[field]
    if (a !== undefined || b !== undefined) sum[field] = Math.min((a ?? 0) + (b ?? 0), Number.MAX_VALUE)
  }
  const contextTokens = later.contextTokens ?? earlier?.contextTokens
  if (contextTokens !== undefined) sum.contextTokens = contextTokens
  return sum
}

/** What `sum` adds to an earlier sum; never below 0. `contextTokens` is that of `sum`. */
export function subtractTokenUsage(sum: TokenUsage, earlier: TokenUsage | undefined): Partial<TokenUsage> {
  if (earlier === undefined) return sum
  const added: { -readonly [K in keyof TokenUsage]?: TokenUsage[K] } = { ...sum }
  for (const field of SUMMED) {
    const value = sum[field]
    if (value !== undefined) added[field] = Math.max(0, value - (earlier[field] ?? 0))
  }
  return added
}

/**
 * The valid part of a reported delta. A field that is present but not a finite number ≥ 0 is omitted and named in
 * `rejected`, so that a tool's bad bookkeeping never fails its task and never puts `NaN` on the wire.
 */
export function sanitizeTokenUsage(delta: unknown): { usage: Partial<TokenUsage>; rejected: string[] } {
  if (typeof delta !== 'object' || delta === null) return { usage: {}, rejected: ['(the whole report)'] }
  const usage: { -readonly [K in keyof TokenUsage]?: TokenUsage[K] } = {}
  const rejected: string[] = []
  for (const field of FIELDS) {
    const value: unknown = (delta as Record<string, unknown>)[field]
    if (value === undefined) continue
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) usage[field] = value
    else rejected.push(field)
  }
  return { usage, rejected }
}

/** The warning about the fields that `sanitizeTokenUsage` has rejected. */
export function describeRejectedUsage(rejected: readonly string[]): string {
  return `Token usage was ignored where it is not a finite number ≥ 0: ${rejected.join(', ')}`
}
