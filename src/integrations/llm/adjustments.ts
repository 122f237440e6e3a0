/** Fields whose omission would change the meaning of the request. */
const ESSENTIAL: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'stream',
  'tools',
  'tool_choice',
  'functions',
  'response_format',
])

/** Two names of the bound of an answer. It is renamed and never omitted: it bounds the cost. */
const RENAMED: Readonly<Record<string, string>> = {
  max_tokens: 'max_completion_tokens',
  max_completion_tokens: 'max_tokens',
}

/** Maximum number of remembered models per provider; the oldest is evicted first. */
const MAX_MODELS = 100

/** Fields that an endpoint has rejected. */
export type RefusedFields = ReadonlySet<string>

export const NONE_REFUSED: RefusedFields = new Set()

/** The body without rejected fields; the bound of the answer gets its other name instead. */
export function applyRefusals(
  body: Readonly<Record<string, unknown>>,
  refused: RefusedFields,
): Readonly<Record<string, unknown>> {
  if (refused.size === 0) return body
  const entries = Object.entries(body).map(([name, value]) => {
    const other = RENAMED[name]
    return refused.has(name) ? [other !== undefined && !refused.has(other) ? other : undefined, value] : [name, value]
  })
  return Object.fromEntries(entries.filter(([name]) => name !== undefined)) as Readonly<Record<string, unknown>>
}

/** The named fields that can be omitted or renamed; empty if none can. */
export function selectMendable(named: readonly string[], refused: RefusedFields): string[] {
  return named.filter(name => {
    const other = RENAMED[name]
    return !ESSENTIAL.has(name) && !refused.has(name) && (other === undefined || !refused.has(other))
  })
}

/** Describes the changes for a notice. */
export function describeMending(names: readonly string[]): string {
  return names
    .map(name => (RENAMED[name] === undefined ? `without \`${name}\`` : `with \`${RENAMED[name]}\` for \`${name}\``))
    .join(', ')
}

/** The refused fields of each model, so that later calls are not rejected again. */
export class RefusalMemory {
  readonly #models = new Map<string, RefusedFields>()

  recall(model: string): RefusedFields {
    return this.#models.get(model) ?? NONE_REFUSED
  }

  remember(model: string, refused: RefusedFields): void {
    this.#models.delete(model)
    this.#models.set(model, refused)
    const [oldest] = this.#models.keys()
    if (this.#models.size > MAX_MODELS && oldest !== undefined) this.#models.delete(oldest)
  }
}
