/** Fields without which the request would ask for something else. */
const ESSENTIAL: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'stream',
  'tools',
  'tool_choice',
  'functions',
  'response_format',
])

/** Two names of the bound of an answer. It is renamed, and never left out: it bounds the cost. */
const RENAMED: Readonly<Record<string, string>> = {
  max_tokens: 'max_completion_tokens',
  max_completion_tokens: 'max_tokens',
}

/** Models of one provider that are remembered; the oldest goes first. */
const MAX_MODELS = 100

/** Fields that an endpoint has refused, which change the body of a request. */
export type RefusedFields = ReadonlySet<string>

export const NONE_REFUSED: RefusedFields = new Set()

/** The body without what was refused, and how that is said; the bound of the answer by its other name. */
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

/** Of the fields that were named those that can be mended; empty where nothing can. */
export function selectMendable(named: readonly string[], refused: RefusedFields): string[] {
  return named.filter(name => {
    const other = RENAMED[name]
    return !ESSENTIAL.has(name) && !refused.has(name) && (other === undefined || !refused.has(other))
  })
}

/** What is said of a field that was refused. */
export function describeMending(names: readonly string[]): string {
  return names
    .map(name => (RENAMED[name] === undefined ? `without \`${name}\`` : `with \`${RENAMED[name]}\` for \`${name}\``))
    .join(', ')
}

/** The refused fields of each model, so that a further call is not refused again. */
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
