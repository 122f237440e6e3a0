/** Maximum depth; deeper levels are not changed. */
const MAX_DEPTH = 64

/** Keywords that hold values: a `pattern` below them is data. */
const DATA = new Set(['const', 'enum', 'default', 'examples'])
/** Keywords that hold schemas by name: `pattern` below them is a name. */
const NAMED = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'])

/**
 * A copy of a JSON Schema without the patterns that are not Unicode regular expressions, as JSON Schema requires. Many
 * published schemas have such patterns, for instance `[\w-.]`. Nothing else is changed.
 */
export function relaxPatterns(schema: unknown, depth = 0): unknown {
  if (typeof schema !== 'object' || schema === null || depth > MAX_DEPTH) return schema
  if (Array.isArray(schema)) return schema.map(each => relaxPatterns(each, depth + 1))
  const relaxed: [string, unknown][] = []
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === 'pattern' && typeof value === 'string' && !compiles(value)) continue
    if (DATA.has(keyword)) relaxed.push([keyword, value])
    else if (NAMED.has(keyword)) relaxed.push([keyword, relaxNamed(keyword, value, depth + 1)])
    else relaxed.push([keyword, relaxPatterns(value, depth + 1)])
  }
  return Object.fromEntries(relaxed)
}

function relaxNamed(keyword: string, schemas: unknown, depth: number): unknown {
  if (typeof schemas !== 'object' || schemas === null) return schemas
  const usable = Object.entries(schemas).filter(([name]) => keyword !== 'patternProperties' || compiles(name))
  return Object.fromEntries(usable.map(([name, schema]) => [name, relaxPatterns(schema, depth + 1)]))
}

function compiles(pattern: string): boolean {
  try {
    return RegExp(pattern, 'u') instanceof RegExp
  } catch {
    return false
  }
}
