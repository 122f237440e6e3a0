import type { JsonSchema } from '../../src/index.ts'
import type { Json } from './reference-template.ts'

/**
 * The items of a fan-out; `undefined` if there is no array where one must be.
 * @param mayBeProduct whether the document itself has the object: an object that a reference reads is no array
 */
export function makeItems(source: Json, mayBeProduct: boolean): readonly Json[] | undefined {
  if (Array.isArray(source)) return source
  if (!mayBeProduct || typeof source !== 'object' || source === null) return undefined
  let items: Readonly<Record<string, Json>>[] = [{}]
  for (const [key, list] of Object.entries<Json>(source)) {
    if (!Array.isArray(list)) return undefined
    items = items.flatMap(item => list.map(value => ({ ...item, [key]: value as Json })))
  }
  return items
}

/** How many of `size` items may fail. */
export function readTolerance(tolerate: number | string | undefined, size: number): number {
  if (typeof tolerate !== 'string') return tolerate ?? 0
  const percent = Number(tolerate.slice(0, -1))
  return Math.floor((percent * size) / 100)
}

/** Whether a value fits a schema of `type`, `required` and `properties`, which are all that the tests use. */
export function fitsSchema(schema: JsonSchema | undefined, value: Json): boolean {
  if (schema === undefined) return true
  const {
    type,
    required = [],
    properties = {},
  } = schema as {
    readonly type?: string
    readonly required?: readonly string[]
    readonly properties?: Readonly<Record<string, JsonSchema>>
  }
  if (type !== undefined && type !== typeOf(value)) return false
  if (typeOf(value) !== 'object') return true
  const members = value as Readonly<Record<string, Json>>
  if (!required.every(key => Object.hasOwn(members, key))) return false
  return Object.entries(properties).every(
    ([key, part]) => !Object.hasOwn(members, key) || fitsSchema(part, members[key] as Json),
  )
}

function typeOf(value: Json): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}
