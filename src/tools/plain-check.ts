/** Whether a value is certainly valid; `false` means that the full validator must decide. */
export type PlainCheck = (value: unknown) => boolean

/** Keywords that do not affect validity. */
const ANNOTATIONS = new Set([
  '$schema',
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
])

type Keyword = (argument: unknown, schema: Readonly<Record<string, unknown>>) => PlainCheck | undefined

/**
 * A fast check for schemas of plain keywords, which most tools have: types, properties, items, enumerations, bounds.
 * The full validator takes about 4 µs even for a valid value, several times the remaining cost of a call.
 * @returns `undefined` if the schema has any other keyword, or is not a schema
 */
export function createPlainCheck(schema: unknown): PlainCheck | undefined {
  if (typeof schema === 'boolean') return () => schema
  if (!isObject(schema)) return undefined
  const checks: PlainCheck[] = []
  for (const [keyword, argument] of Object.entries(schema)) {
    if (ANNOTATIONS.has(keyword)) continue
    const check = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword]?.(argument, schema) : undefined
    if (check === undefined) return undefined
    checks.push(check)
  }
  // Values without a JSON form are left to the full validator.
  if (checks.length === 0) return value => isScalar(value) || typeof value === 'object'
  return value => checks.every(check => check(value))
}

const KEYWORDS: Readonly<Record<string, Keyword>> = {
  type: names => {
    const types = (Array.isArray(names) ? names : [names]).map(name =>
      Object.hasOwn(TYPES, String(name)) ? TYPES[String(name)] : undefined,
    )
    if (types.includes(undefined)) return undefined
    const [only, second] = types
    return second === undefined ? only : value => types.some(isOf => isOf?.(value))
  },
  properties: schemas => {
    if (!isObject(schemas)) return undefined
    const checks = Object.entries(schemas).map(([name, each]) => [name, createPlainCheck(each)] as const)
    if (checks.some(([, check]) => check === undefined)) return undefined
    return value =>
      !isObject(value) || checks.every(([name, check]) => !(name in value) || (check?.(value[name]) ?? false))
  },
  additionalProperties: (argument, { properties }) => {
    if (argument === true) return () => true
    if (argument !== false || !(properties === undefined || isObject(properties))) return undefined
    const known = new Set(Object.keys(properties ?? {}))
    return value => !isObject(value) || Object.keys(value).every(name => known.has(name))
  },
  required: names => {
    if (!isTexts(names)) return undefined
    return value => !isObject(value) || names.every(name => Object.hasOwn(value, name))
  },
  items: argument => {
    const check = createPlainCheck(argument)
    return check && (value => !Array.isArray(value) || value.every(check))
  },
  enum: values => {
    if (!Array.isArray(values) || !values.every(isScalar)) return undefined
    return value => values.includes(value)
  },
  const: expected => (isScalar(expected) ? value => value === expected : undefined),
  minimum: bound => createBound(bound, (value, least) => value >= least),
  maximum: bound => createBound(bound, (value, most) => value <= most),
}

const TYPES: Readonly<Record<string, PlainCheck>> = {
  string: value => typeof value === 'string',
  number: value => typeof value === 'number',
  integer: value => typeof value === 'number' && value % 1 === 0,
  boolean: value => typeof value === 'boolean',
  null: value => value === null,
  array: value => Array.isArray(value),
  object: isObject,
}

function createBound(bound: unknown, holds: (value: number, bound: number) => boolean): PlainCheck | undefined {
  return typeof bound === 'number' ? value => typeof value !== 'number' || holds(value, bound) : undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(each => typeof each === 'string')
}

function isScalar(value: unknown): boolean {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}
