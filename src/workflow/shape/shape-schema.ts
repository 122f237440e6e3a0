/** Types of JSON values that schemas of shapes distinguish. */
export type ShapeType = 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean'

/**
 * The keywords of JSON Schema that the document's schema uses and `shape.ts` supports. A schema without `type`, `enum`,
 * `$ref` and `anyOf` accepts anything.
 */
export interface ShapeSchema {
  readonly $schema?: string
  readonly $id?: string
  readonly title?: string
  readonly description?: string
  /** Of a string with a pattern: the hint for a value that does not match. Of a field rule: how to correct it. */
  readonly $comment?: string
  readonly default?: unknown
  /** Several types: the keywords of each apply to its values alone. */
  readonly type?: ShapeType | readonly ShapeType[]
  readonly enum?: readonly string[]
  /** A workflow: `#` for the root of the schema, or a key of its `$defs`. */
  readonly $ref?: '#' | `#/$defs/${string}`
  readonly $defs?: Readonly<Record<string, ShapeSchema>>
  /** Supported in two forms: of an object, fields of which it has at least one; otherwise a string, or a reference. */
  readonly anyOf?: readonly [FieldRule, ...FieldRule[]] | readonly [ShapeSchema, ShapeSchema]
  /** Requires `additionalProperties: false`: other properties are refused. */
  readonly properties?: Readonly<Record<string, ShapeSchema>>
  /** A schema, of an object with arbitrary keys. */
  readonly additionalProperties?: false | ShapeSchema
  readonly required?: readonly string[]
  /** By field: what holds if the object has it. */
  readonly dependentSchemas?: Readonly<Record<string, FieldRule>>
  readonly minProperties?: number
  readonly items?: ShapeSchema
  readonly maxItems?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
}

/** A relation between the fields of one object. */
export interface FieldRule {
  /** The hint if a required field is missing. */
  readonly $comment?: string
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, RefusedField | { readonly const: true }>>
}

/** The schema that accepts nothing, with the hint for the object that has the field. */
export interface RefusedField {
  readonly not: Readonly<Record<string, never>>
  readonly $comment: string
}
