import type { JsonSchema } from '../../tools/tool.ts'

/** How deep an example goes: a schema may refer to itself. */
const MAX_DEPTH = 8

/**
 * A value of a JSON Schema's form: its default, constant, first example or first choice where there is one, else the simplest of
 * its type. An array has one item. Patterns and formats are not followed, so it may not conform to them.
 */
export function makeExample(schema: JsonSchema): unknown {
  return make(schema, schema, 0)
}

function make(schema: unknown, root: JsonSchema, depth: number): unknown {
  if (typeof schema !== 'object' || schema === null || depth > MAX_DEPTH) return null
  const given = schema as JsonSchema
  const { $ref, examples, enum: choices, anyOf, oneOf, allOf } = given
  if (typeof $ref === 'string') return make(resolve($ref, root), root, depth + 1)
  if (Object.hasOwn(given, 'default')) return given['default']
  if (Object.hasOwn(given, 'const')) return given['const']
  for (const list of [examples, choices]) if (Array.isArray(list) && list.length > 0) return list[0]
  for (const list of [anyOf, oneOf]) if (Array.isArray(list)) return make(list[0], root, depth + 1)
  if (Array.isArray(allOf)) return joinObjects(allOf.map(each => make(each, root, depth + 1)))
  return makeOfType(given, root, depth)
}

function makeOfType(schema: JsonSchema, root: JsonSchema, depth: number): unknown {
  const { type: types, properties, items, minimum, minLength } = schema
  const type: unknown = Array.isArray(types) ? types[0] : (types ?? (properties === undefined ? undefined : 'object'))
  switch (type) {
    case 'object': {
      const members = Object.entries((properties ?? {}) as JsonSchema)
      return Object.fromEntries(members.map(([name, member]) => [name, make(member, root, depth + 1)]))
    }
    case 'array':
      return [make(items, root, depth + 1)]
    case 'string':
      return 'x'.repeat(typeof minLength === 'number' ? Math.min(minLength, 1000) : 0)
    case 'number':
    case 'integer':
      return typeof minimum === 'number' ? minimum : 0
    case 'boolean':
      return false
    default:
      return null
  }
}

/** A definition in the same schema. */
function resolve(reference: string, root: JsonSchema): unknown {
  if (reference === '#') return root
  if (!reference.startsWith('#/')) return undefined
  let at: unknown = root
  for (const token of reference.slice(2).split('/')) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~')
    at = typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? (at as JsonSchema)[key] : undefined
  }
  return at
}

function joinObjects(values: readonly unknown[]): unknown {
  const objects = values.filter(value => typeof value === 'object' && value !== null)
  return objects.length === 0 ? (values[0] ?? null) : Object.assign({}, ...objects)
}
