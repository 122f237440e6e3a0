import { type OutputUnit, type Schema, type SchemaDraft, Validator } from '@cfworker/json-schema'
import { DagstreamError, describeValue } from '../errors.ts'
import type { FoundProblem, SchemaCheck } from './argument-problem.ts'
import { formatPointer, parsePointer, quoteName } from './json-pointer.ts'
import { createPlainCheck } from './plain-check.ts'
import type { JsonSchema } from './tool.ts'
import { cutText } from '../text.ts'

/** How much of a message is told, characters. */
const MAX_MESSAGE = 200

/** A check by a JSON Schema, interpreted: no code is generated. @throws `INVALID_TOOL` for a schema that cannot be used */
export function createJsonSchemaCheck(toolName: string, schema: JsonSchema): SchemaCheck {
  let validator: Validator
  try {
    // A copy: the validator writes into the schema, which may be frozen or shared.
    const copy = JSON.parse(JSON.stringify(schema)) as Schema
    validator = new Validator(copy, findDraft(copy.$schema), false)
    checkUsable(validator)
    validator.validate({})
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : 'it cannot be read'
    throw new DagstreamError(
      'INVALID_TOOL',
      `Tool \`${toolName}\`: \`inputSchema\` is not a usable JSON Schema: ${reason}`,
    )
  }
  // Of a copy too: a schema may be changed by its owner.
  const isPlainlyValid = createPlainCheck(JSON.parse(JSON.stringify(schema)))
  return value => {
    if (isPlainlyValid?.(value)) return { value, problems: [] }
    try {
      const { valid, errors } = validator.validate(value)
      return { value, problems: valid ? [] : toProblems(errors, value) }
    } catch (error) {
      // For instance more errors than the validator can hold.
      const message = `The arguments cannot be checked: ${error instanceof Error ? error.message : 'unknown error'}`
      return { value, problems: [{ pointer: '', message: cutText(message, MAX_MESSAGE), isCertain: false }] }
    }
  }
}

function findDraft(uri: unknown): SchemaDraft {
  if (typeof uri !== 'string') return '2020-12'
  if (uri.includes('draft-04')) return '4'
  if (uri.includes('draft-06') || uri.includes('draft-07')) return '7'
  return uri.includes('2019-09') ? '2019-09' : '2020-12'
}

const TYPES: ReadonlySet<unknown> = new Set(['string', 'number', 'integer', 'boolean', 'null', 'array', 'object'])

/** What the validator would only find on reaching it: references to nowhere, types there are not, patterns that do not compile. */
function checkUsable(validator: Validator): void {
  // `lookup` is private in the types only; it holds every subschema.
  const { lookup } = validator as unknown as { lookup: Record<string, Schema | boolean> }
  for (const schema of Object.values(lookup)) {
    if (typeof schema !== 'object') continue
    const target = schema['__absolute_ref__']
    if (target !== undefined && lookup[target] === undefined)
      throw new Error(`unresolved $ref ${quoteName(String(schema.$ref))}`)
    for (const type of [schema.type ?? []].flat()) {
      if (!TYPES.has(type)) throw new Error(`unknown type ${quoteName(String(type))}`)
    }
    if (schema.pattern !== undefined) RegExp(schema.pattern, 'u')
    for (const pattern of Object.keys(schema.patternProperties ?? {})) RegExp(pattern, 'u')
  }
}

/** Keywords that only say that something further in is at fault, which follows as an error of its own. */
const WRAPPERS = new Set(
  '$ref $recursiveRef allOf if properties patternProperties additionalProperties unevaluatedProperties prefixItems items additionalItems unevaluatedItems dependentSchemas'.split(
    ' ',
  ),
)
/** Keywords that speak for what is inside them: why each alternative failed is noise. */
const COMPOSITES = new Set(['anyOf', 'oneOf', 'not', 'contains', 'propertyNames'])
/** Keywords whose inside counts only for some values. */
const CONDITIONS = new Set(['if', 'then', 'else', 'unevaluatedProperties', 'unevaluatedItems'])
/** Keywords that look at which members there are, never at their values. */
const KEYS_ONLY = new Set(
  'false required dependentRequired minProperties maxProperties propertyNames minItems maxItems'.split(' '),
)
/** Keywords followed by a name or an index in a keyword location. */
const NAMED = new Set(
  'properties patternProperties dependentSchemas dependencies anyOf oneOf allOf prefixItems'.split(' '),
)

function toProblems(errors: readonly OutputUnit[], value: unknown): FoundProblem[] {
  const problems: FoundProblem[] = []
  for (const [index, error] of errors.entries()) {
    const { keyword } = error
    if (WRAPPERS.has(keyword) || (keyword === 'dependencies' && error.error.includes('dependant schema'))) continue
    // A `false` schema does not say where it stands; the error before it is that of the keyword that holds it.
    const holder = keyword === 'false' ? errors[index - 1] : undefined
    const context = findContext(holder ? `${holder.keywordLocation}/false` : error.keywordLocation)
    if (context === 'inside') continue
    const path = parsePointer(decodeURIComponent(error.instanceLocation.slice(1)))
    if (keyword === 'propertyNames')
      path.push(/^Property name "(.*)" does not match schema\.$/s.exec(error.error)?.[1] ?? '')
    problems.push({
      pointer: formatPointer(path),
      message: cutText(describe(error, holder, path, value), MAX_MESSAGE),
      // The condition may have looked at anything around.
      ...(context === 'conditional' && { decidedBy: '' }),
      isCertain: context === 'plain' && KEYS_ONLY.has(keyword),
    })
  }
  return problems
}

/** Whether a keyword always applies, applies on a condition, or stands inside one that speaks for it. */
function findContext(keywordLocation: string): 'plain' | 'conditional' | 'inside' {
  const tokens = keywordLocation.split('/')
  let context: 'plain' | 'conditional' = 'plain'
  for (let i = 1; i < tokens.length - 1; i++) {
    const token = tokens[i] ?? ''
    if (COMPOSITES.has(token)) return 'inside'
    if (CONDITIONS.has(token)) context = 'conditional'
    if (NAMED.has(token) || (token === 'items' && /^\d+$/.test(tokens[i + 1] ?? ''))) i += 1
  }
  return context
}

function describe(error: OutputUnit, holder: OutputUnit | undefined, path: readonly string[], value: unknown): string {
  const found = (): string =>
    describeValue(path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], value))
  switch (error.keyword) {
    case 'required':
      return `Missing ${quoteName(/required property "(.*)"\.$/s.exec(error.error)?.[1] ?? '')}`
    case 'false':
      return holder?.keyword.endsWith('Properties')
        ? `Unknown argument ${quoteName(path.at(-1) ?? '')}`
        : 'Expected nothing here, the schema allows no value'
    case 'propertyNames':
      return `The name ${quoteName(path.at(-1) ?? '')} is not allowed`
    case 'type':
      return `Expected ${(/Expected (.*)\.$/.exec(error.error)?.[1] ?? 'another type').replaceAll('"', '')}, got ${found()}`
    case 'enum':
      return `Expected one of ${error.error.replace(/^.*?any of |\.$/g, '')}, got ${found()}`
    default:
      return `${error.error.replace(/\.$/, '')}, got ${found()}`
  }
}
