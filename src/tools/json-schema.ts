import { type OutputUnit, type Schema, type SchemaDraft, Validator } from '@cfworker/json-schema'
import { DagstreamError, describeValue } from '../errors.ts'
import { stringifyJson } from '../json/stringify-json.ts'
import type { FoundProblem, SchemaCheck } from './argument-problem.ts'
import { formatPointer, parsePointer, quoteName } from './json-pointer.ts'
import { findUnboundedKeyword, VisitBudget } from './bounded-schema.ts'
import { createPlainCheck } from './plain-check.ts'
import type { JsonSchema } from './tool.ts'
import { cutText } from '../text.ts'

/** Maximum length of a message, characters. */
const MAX_MESSAGE = 200

/** A check by a JSON Schema of a tool. @throws `INVALID_TOOL` for an unusable schema */
export function createJsonSchemaCheck(toolName: string, schema: JsonSchema): SchemaCheck {
  const check = compileJsonSchema(schema)
  if (typeof check === 'function') return check
  const message = `Tool \`${toolName}\`: \`inputSchema\` is not a usable JSON Schema: ${check.unusable}`
  throw new DagstreamError('INVALID_TOOL', message)
}

/**
 * Compiles a JSON Schema into a check. It interprets the schema and generates no code.
 * @param isBounded whether the time of each check is bounded, whatever the schema
 * @returns why the schema is unusable, if it is
 */
export function compileJsonSchema(schema: JsonSchema, isBounded = false): SchemaCheck | { readonly unusable: string } {
  let validator: Validator
  let budget: VisitBudget | undefined
  let isPlainlyValid: ReturnType<typeof createPlainCheck>
  try {
    // Copied, because the validator writes into the schema, which may be frozen or shared.
    const text = stringifyJson(schema)
    const copy = JSON.parse(text) as Schema
    validator = new Validator(copy, findDraft(copy.$schema), false)
    checkUsable(validator)
    if (isBounded) {
      const subschemas = listSubschemas(validator)
      const unbounded = findUnboundedKeyword(subschemas)
      if (unbounded !== undefined) return { unusable: unbounded }
      budget = new VisitBudget(subschemas)
    }
    budget?.reset()
    validator.validate({})
    // Copied, because the owner may change the schema later.
    isPlainlyValid = createPlainCheck(JSON.parse(text))
  } catch (error) {
    return { unusable: error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : 'it cannot be read' }
  }
  return value => {
    if (isPlainlyValid?.(value)) return { value, problems: [] }
    try {
      budget?.reset()
      const { valid, errors } = validator.validate(value)
      return { value, problems: valid ? [] : toProblems(errors, value) }
    } catch (error) {
      // For example, more errors than the validator can hold.
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

function listSubschemas(validator: Validator): Schema[] {
  // `lookup` holds every subschema. It is private only in the types.
  const { lookup } = validator as unknown as { lookup: Record<string, Schema | boolean> }
  return [...new Set(Object.values(lookup).filter(schema => typeof schema === 'object'))]
}

/**
 * Finds faults that the validator reports only on reaching them: dangling references, unknown types, invalid patterns.
 */
function checkUsable(validator: Validator): void {
  const { lookup } = validator as unknown as { lookup: Record<string, Schema | boolean> }
  for (const schema of listSubschemas(validator)) {
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

/** Keywords whose error only repeats that a nested value is invalid, which has a separate error. */
const WRAPPERS = new Set(
  '$ref $recursiveRef allOf if properties patternProperties additionalProperties unevaluatedProperties prefixItems items additionalItems unevaluatedItems dependentSchemas'.split(
    ' ',
  ),
)
/** Keywords that stand for their nested errors: the reasons why each alternative failed are noise. */
const COMPOSITES = new Set(['anyOf', 'oneOf', 'not', 'contains', 'propertyNames'])
/** Keywords whose subschema applies only to some values. */
const CONDITIONS = new Set(['if', 'then', 'else', 'unevaluatedProperties', 'unevaluatedItems'])
/** Keywords that depend on the members present, never on their values. */
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
    // The error of a `false` schema has no location; the preceding error is that of the enclosing keyword.
    const holder = keyword === 'false' ? errors[index - 1] : undefined
    const context = findContext(holder ? `${holder.keywordLocation}/false` : error.keywordLocation)
    if (context === 'inside') continue
    const path = parsePointer(decodeURIComponent(error.instanceLocation.slice(1)))
    if (keyword === 'propertyNames')
      path.push(/^Property name "(.*)" does not match schema\.$/s.exec(error.error)?.[1] ?? '')
    problems.push({
      pointer: formatPointer(path),
      message: cutText(describe(error, holder, path, value), MAX_MESSAGE),
      ...((isUnknown(holder) || keyword === 'propertyNames') && { isAboutKey: true as const }),
      // The condition may depend on any other argument.
      ...(context === 'conditional' && { decidedBy: '' }),
      isCertain: context === 'plain' && KEYS_ONLY.has(keyword),
    })
  }
  return problems
}

/** Whether a keyword applies always, applies conditionally, or is nested in a composite that stands for it. */
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

/** Whether a `false` schema refuses an additional member. @param holder the error of the keyword around it */
function isUnknown(holder: OutputUnit | undefined): boolean {
  return holder?.keyword.endsWith('Properties') === true
}

function describe(error: OutputUnit, holder: OutputUnit | undefined, path: readonly string[], value: unknown): string {
  const found = (): string =>
    describeValue(path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], value))
  switch (error.keyword) {
    case 'required':
      return `Missing ${quoteName(/required property "(.*)"\.$/s.exec(error.error)?.[1] ?? '')}`
    case 'false':
      return isUnknown(holder)
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
