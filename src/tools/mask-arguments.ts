import { isJsonObject } from '../json/describe-json.ts'
import type { AnyTool } from './registry.ts'
import type { JsonSchema } from './tool.ts'

/** Stands for a secret. */
export const MASKED = '[redacted]'

/** Maximum number of pairs of schema and value that are visited; beyond it everything is masked. */
const MAX_VISITS = 100_000

/**
 * The arguments of a call as people may see them: what the tool's own `maskArguments` returns, without the values that its
 * JSON Schema marks `writeOnly`. The given value is not changed.
 * @throws what `maskArguments` of the tool throws: then nothing may be shown
 */
export function maskArguments({ tool }: { readonly tool: AnyTool }, value: unknown): unknown {
  const shown = tool.maskArguments === undefined ? value : tool.maskArguments(value as Record<string, unknown>)
  const { inputSchema } = tool
  if (inputSchema === undefined || '~standard' in inputSchema) return shown
  return new WriteOnlyMask(inputSchema).mask(shown)
}

/** Masks by one schema. All subschemas that may apply to a value count, whether they match or not. */
class WriteOnlyMask {
  readonly #root: JsonSchema
  #left = MAX_VISITS

  constructor(root: JsonSchema) {
    this.#root = root
  }

  mask(value: unknown): unknown {
    return this.#mask(value, [this.#root])
  }

  #mask(value: unknown, schemas: readonly unknown[]): unknown {
    const all = this.#expand(schemas)
    if (this.#left < 0 || all.some(schema => schema['writeOnly'] === true)) return MASKED
    if (Array.isArray(value)) {
      return all.length === 0
        ? value
        : value.map((item, at) =>
            this.#mask(
              item,
              all.flatMap(each => ofItem(each, at)),
            ),
          )
    }
    if (!isJsonObject(value) || all.length === 0) return value
    const entries = Object.entries(value).map(([key, member]) => {
      return [
        key,
        this.#mask(
          member,
          all.flatMap(each => ofMember(each, key)),
        ),
      ] as const
    })
    return Object.fromEntries(entries)
  }

  /** The schemas with those that they combine or refer to. */
  #expand(schemas: readonly unknown[]): JsonSchema[] {
    const found = new Set<JsonSchema>()
    const waiting = [...schemas]
    while (waiting.length > 0) {
      const schema = waiting.pop()
      if (!isJsonObject(schema) || found.has(schema)) continue
      found.add(schema)
      if (--this.#left < 0) return []
      for (const name of ['allOf', 'anyOf', 'oneOf']) if (Array.isArray(schema[name])) waiting.push(...schema[name])
      for (const name of ['if', 'then', 'else']) waiting.push(schema[name])
      waiting.push(...Object.values(isJsonObject(schema['dependentSchemas']) ? schema['dependentSchemas'] : {}))
      for (const name of ['$ref', '$dynamicRef']) waiting.push(this.#follow(schema[name]))
    }
    return [...found]
  }

  /** The schema at a local reference; a reference elsewhere masks nothing. */
  #follow(reference: unknown): unknown {
    if (typeof reference !== 'string' || !reference.startsWith('#')) return undefined
    let at: unknown = this.#root
    for (const part of decodeURI(reference.slice(1)).split('/').slice(1)) {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
      at = typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? (at as JsonSchema)[key] : undefined
    }
    return at
  }
}

/** The subschemas for an item of an array. */
function ofItem({ items, prefixItems, additionalItems, contains }: JsonSchema, at: number): unknown[] {
  const listed = Array.isArray(prefixItems) ? prefixItems : Array.isArray(items) ? items : []
  const rest = Array.isArray(items) ? additionalItems : items
  return [at < listed.length ? listed[at] : rest, contains]
}

/** The subschemas for a member of an object. */
function ofMember(schema: JsonSchema, key: string): unknown[] {
  const { properties, patternProperties, additionalProperties, unevaluatedProperties } = schema
  const own = isJsonObject(properties) && Object.hasOwn(properties, key) ? [properties[key]] : []
  const matched = Object.entries(isJsonObject(patternProperties) ? patternProperties : {})
    .filter(([pattern]) => matches(pattern, key))
    .map(([, each]) => each)
  return own.length + matched.length > 0 ? [...own, ...matched] : [additionalProperties, unevaluatedProperties]
}

function matches(pattern: string, key: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(key)
  } catch {
    // An invalid pattern is refused elsewhere; here it must not uncover a secret.
    return true
  }
}
