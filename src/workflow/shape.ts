import { isJsonObject } from '../json/describe-json.ts'
import { quoteName } from '../tools/json-pointer.ts'
import { LIMITS } from './document.ts'
import { compileRules, type FaultReport, type FieldCheck } from './shape/field-rules.ts'
import { translateField } from './shape/foreign-words.ts'
import {
  choose,
  compileEnum,
  compileNumber,
  compileString,
  EXPECTED,
  isOfType,
  type ShapeReader,
} from './shape/shape-scalars.ts'
import type { ShapeSchema, ShapeType } from './shape/shape-schema.ts'
import { Suggestions } from '../tools/suggestion.ts'
import { guard, mismatch, report, type Walk } from './walk.ts'

/** Compiles a schema into a reader. */
export function compileShape(schema: ShapeSchema): ShapeReader {
  return new ShapeCompiler(schema).compile(schema)
}

/** Compiles the parts of one schema. */
class ShapeCompiler {
  readonly #root: ShapeSchema
  readonly #referenced = new Map<string, ShapeReader>()

  constructor(root: ShapeSchema) {
    this.#root = root
  }

  compile(schema: ShapeSchema): ShapeReader {
    if (schema.$ref !== undefined) return this.#compileReference(schema.$ref)
    if (schema.anyOf !== undefined && schema.type === undefined) {
      const readers = (schema.anyOf as readonly [ShapeSchema, ShapeSchema]).map(each => this.compile(each))
      return choose(schema, readers as [ShapeReader, ShapeReader])
    }
    if (schema.enum !== undefined) return compileEnum(schema.enum)
    if (schema.type === undefined) return value => value
    if (typeof schema.type === 'string') return this.#compileType(schema, schema.type)
    const readers = schema.type.map(type => [type, this.#compileType(schema, type)] as const)
    const { description: expected = schema.type.map(type => EXPECTED[type]).join(' or ') } = schema
    return (value, walk) => {
      const reader = readers.find(([type]) => isOfType(value, type))?.[1]
      return reader === undefined ? mismatch(walk, expected, value) : reader(value, walk)
    }
  }

  #compileType(schema: ShapeSchema, type: ShapeType): ShapeReader {
    switch (type) {
      case 'object':
        if (schema.properties) return this.#compileObject(schema, schema.properties)
        return schema.additionalProperties ? this.#compileMap(schema, schema.additionalProperties) : readAnyObject
      case 'array':
        return compileArray(schema, schema.items && this.compile(schema.items))
      case 'string':
        return compileString(schema)
      case 'boolean':
        return (value, walk) => (typeof value === 'boolean' ? value : mismatch(walk, EXPECTED.boolean, value))
      case 'number':
      case 'integer':
        return compileNumber({ ...schema, type })
      default:
        return type satisfies never
    }
  }

  /** A nested workflow. Its schema is compiled on first use, because it holds itself. */
  #compileReference(reference: NonNullable<ShapeSchema['$ref']>): ShapeReader {
    const find = (): ShapeReader => {
      const schema = reference === '#' ? this.#root : this.#root.$defs?.[reference.slice('#/$defs/'.length)]
      return this.compile(schema as ShapeSchema)
    }
    return (value, walk) => {
      const { depth = 0 } = walk
      if (depth >= LIMITS.maxDepth) {
        report(walk, 'LIMIT_EXCEEDED', () => `Nested deeper than ${LIMITS.maxDepth} workflows below the document`)
        return undefined
      }
      let reader = this.#referenced.get(reference)
      if (reader === undefined) this.#referenced.set(reference, (reader = find()))
      walk.depth = depth + 1
      walk.tasksLeft ??= LIMITS.maxTasks
      const copy = reader(value, walk)
      walk.depth = depth
      return copy
    }
  }

  #compileMap({ minProperties = 0 }: ShapeSchema, members: ShapeSchema): ShapeReader {
    const reader = this.compile(members)
    const readMap = (value: unknown, walk: Walk): unknown => {
      if (!isJsonObject(value)) return mismatch(walk, 'an object', value)
      const copy: Record<string, unknown> = Object.create(null) as Record<string, unknown>
      for (const key of Object.keys(value)) {
        walk.path.push(key)
        const member = value[key]
        if (member !== undefined) copy[key] = reader(member, walk)
        walk.path.pop()
      }
      return Object.keys(copy).length < minProperties ? mismatch(walk, 'an object with a member', value) : copy
    }
    return (value, walk) => guard(walk, () => readMap(value, walk))
  }

  #compileObject(schema: ShapeSchema, properties: Readonly<Record<string, ShapeSchema>>): ShapeReader {
    const rules = compileRules(schema)
    const members = new Map(
      Object.entries(properties).map(([key, member]) => {
        return [key, { read: this.compile(member), check: rules.byField.get(key) }]
      }),
    )
    // Fields for editors are not suggested.
    const names = Object.keys(properties).filter(key => !key.startsWith('$'))
    const accepted = new Suggestions(names, 'accepted fields', names.length)
    const hintFor = (key: string): string => {
      const meant = translateField(key, names)
      return meant === undefined ? accepted.hintFor(key) : `Did you mean ${quoteName(meant)}?`
    }
    const readObject = (value: unknown, walk: Walk): unknown => {
      if (!isJsonObject(value)) return mismatch(walk, 'an object', value)
      const copy: Record<string, unknown> = {}
      let checks: FieldCheck[] | undefined
      for (const key of Object.keys(value)) {
        walk.path.push(key)
        const member = value[key]
        const known = members.get(key)
        // An undefined member counts as absent, as in JSON.
        if (member !== undefined) {
          if (known) {
            copy[key] = known.read(member, walk)
            if (known.check) (checks ??= []).push(known.check)
          } else
            report(
              walk,
              'INVALID_SHAPE',
              () => `Unknown field ${quoteName(key)}`,
              () => hintFor(key),
              true,
            )
        }
        walk.path.pop()
      }
      const refuse: FaultReport = (message, hint) => report(walk, 'INVALID_SHAPE', message, hint)
      rules.always(copy, refuse)
      for (const check of checks ?? []) check(copy, refuse)
      return copy
    }
    return (value, walk) => guard(walk, () => readObject(value, walk))
  }
}

function readAnyObject(value: unknown, walk: Walk): unknown {
  return isJsonObject(value) ? value : mismatch(walk, 'an object', value)
}

function compileArray(schema: ShapeSchema, readItem: ShapeReader = item => item): ShapeReader {
  const { maxItems = Number.POSITIVE_INFINITY, items } = schema
  const areTasks = items?.properties !== undefined
  return (value, walk) => {
    if (!Array.isArray(value)) return mismatch(walk, 'an array', value)
    const { length } = value
    if (length > maxItems) {
      report(walk, 'LIMIT_EXCEEDED', () => `Expected at most ${maxItems.toLocaleString('en')} items, got ${length}`)
      return undefined
    }
    if (areTasks && walk.tasksLeft !== undefined) {
      walk.tasksLeft -= length
      if (walk.tasksLeft < 0) {
        const most = LIMITS.maxTasks.toLocaleString('en')
        report(walk, 'LIMIT_EXCEEDED', () => `The nested workflows contain more than ${most} tasks together`)
        return undefined
      }
    }
    const copy: unknown[] = []
    for (let i = 0; i < length; i++) {
      walk.path.push(i)
      const item: unknown = value[i]
      copy.push(readItem(item, walk))
      walk.path.pop()
      // Only the first hole is reported, because a sparse array may have four billion.
      if (item === undefined) break
    }
    return copy
  }
}
