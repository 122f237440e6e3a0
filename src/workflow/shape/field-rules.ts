import { quoteName } from '../../tools/json-pointer.ts'
import type { FieldRule, ShapeSchema } from './shape-schema.ts'

/** Receives a fault of an object, with the hint. */
export type FaultReport = (message: () => string, hint?: () => string) => void

/** Checks which fields an object has. */
export type FieldCheck = (fields: Readonly<Record<string, unknown>>, report: FaultReport) => void

/** The checks of an object: those that always hold, and those that hold if it has a certain field. */
export interface FieldChecks {
  readonly always: FieldCheck
  readonly byField: ReadonlyMap<string, FieldCheck>
}

/** Compiles the rules of a schema about the fields of an object. */
export function compileRules({ required = [], anyOf, dependentSchemas = {} }: ShapeSchema): FieldChecks {
  const alternatives = (anyOf ?? []) as readonly FieldRule[]
  return {
    always(fields, report) {
      for (const key of required) if (!Object.hasOwn(fields, key)) report(() => `Missing field ${quoteName(key)}`)
      if (alternatives.length === 0 || alternatives.some(({ required: keys = [] }) => hasAll(fields, keys))) return
      const names = alternatives.flatMap(({ required: keys = [] }) => keys.map(quoteName))
      const { $comment } = alternatives[0] as FieldRule
      report(() => `Missing field ${names.join(' or ')}`, $comment === undefined ? undefined : () => $comment)
    },
    byField: new Map(Object.entries(dependentSchemas).map(([field, rule]) => [field, compileRule(field, rule)])),
  }
}

function compileRule(field: string, { required = [], properties = {}, $comment }: FieldRule): FieldCheck {
  const hint = $comment === undefined ? undefined : (): string => $comment
  return (fields, report) => {
    for (const key of required) {
      if (Object.hasOwn(fields, key)) continue
      report(() => `Expected ${quoteName(key)} beside ${quoteName(field)}, got ${quoteName(field)} alone`, hint)
    }
    for (const [key, rule] of Object.entries(properties)) {
      if (!Object.hasOwn(fields, key)) continue
      if ('not' in rule) {
        const message = (): string => `Expected one of ${quoteName(key)} and ${quoteName(field)}, got both`
        report(message, () => rule.$comment)
      } else if (fields[key] === false) {
        report(() => `Expected ${quoteName(key)} to be true beside ${quoteName(field)}, got false`, hint)
      }
    }
  }
}

function hasAll(fields: Readonly<Record<string, unknown>>, keys: readonly string[]): boolean {
  return keys.every(key => Object.hasOwn(fields, key))
}
