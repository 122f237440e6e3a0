import { isJsonObject } from '../../json/describe-json.ts'

/** A JSON Schema as a form reads it. */
export type FormSchema = Readonly<Record<string, unknown>>

/** How a value is entered. `json`: as text, for everything that has no field of its own. */
export type FieldKind = 'object' | 'choice' | 'boolean' | 'number' | 'text' | 'long' | 'json'

/** Levels of objects that get fields. */
const MAX_DEPTH = 4
/** Texts that may be longer are entered in several lines. */
const LONG_TEXT = 200

/** The schema at a local reference, else the schema itself. A reference to a reference is followed, a circle is not. */
export function resolveSchema(schema: unknown, root: FormSchema): FormSchema {
  let found = isJsonObject(schema) ? schema : {}
  for (let steps = 0; steps < 16 && typeof found['$ref'] === 'string'; steps++) {
    const path = found['$ref'].replace(/^#\/?/, '').split('/')
    let at: unknown = root
    for (const part of path) {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
      at = key === '' ? at : isJsonObject(at) && Object.hasOwn(at, key) ? at[key] : undefined
    }
    found = isJsonObject(at) ? at : {}
  }
  return found
}

/** How a value of a schema is entered. */
export function kindOf(schema: FormSchema, depth: number): FieldKind {
  const { type, properties, maxLength, format } = schema
  if (listChoices(schema) !== undefined) return 'choice'
  if (type === 'boolean') return 'boolean'
  if (type === 'number' || type === 'integer') return 'number'
  if (type === 'string') {
    return format === 'textarea' || (typeof maxLength === 'number' && maxLength > LONG_TEXT) ? 'long' : 'text'
  }
  return isJsonObject(properties) && depth < MAX_DEPTH ? 'object' : 'json'
}

/** The values that a schema lists, with their names; `undefined` if it lists none. */
export function listChoices({
  enum: values,
  oneOf,
}: FormSchema): { readonly value: unknown; readonly name: string }[] | undefined {
  const name = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
  if (Array.isArray(values)) return values.map(value => ({ value, name: name(value) }))
  if (!Array.isArray(oneOf) || !oneOf.every(each => isJsonObject(each) && Object.hasOwn(each, 'const')))
    return undefined
  return (oneOf as FormSchema[]).map(({ const: value, title }) => ({
    value,
    name: typeof title === 'string' ? title : name(value),
  }))
}

/** What a form begins with: defaults, and what has to be there. `undefined`: nothing. */
export function initialValue(given: unknown, root: FormSchema, isRequired: boolean, depth = 0): unknown {
  const schema = resolveSchema(given, root)
  if (Object.hasOwn(schema, 'default')) return schema['default']
  switch (kindOf(schema, depth)) {
    case 'object': {
      if (!isRequired) return undefined
      const required = Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : []
      const members = Object.entries(schema['properties'] as FormSchema).flatMap(([key, each]) => {
        const value = initialValue(each, root, required.includes(key), depth + 1)
        return value === undefined ? [] : [[key, value] as const]
      })
      return Object.fromEntries(members)
    }
    case 'boolean':
      return isRequired ? false : undefined
    case 'text':
    case 'long':
      return isRequired ? '' : undefined
    default:
      return undefined
  }
}

/** A member of an object changed; `undefined` removes it. */
export function withMember(value: unknown, key: string, member: unknown): Record<string, unknown> {
  const { [key]: _, ...rest } = isJsonObject(value) ? value : {}
  return member === undefined ? rest : { ...rest, [key]: member }
}
