import type { AnyTool } from '../../tools/registry.ts'
import { countColumns, fitColumns, padColumns } from './columns.ts'
import { toPlainLine } from './text.ts'

type Fields = Readonly<Record<string, unknown>>

/** Maximum width of the name and type columns for alignment. */
const MAX_NAME = 40
const MAX_TYPE = 32

/** Renders tools with their descriptions, and under each its arguments: name, type, whether it is required, description. */
export function renderTools(tools: readonly AnyTool[], columns: number): string {
  const names = tools.map(({ name }) => toPlainLine(name))
  const width = Math.min(MAX_NAME, Math.max(...names.map(countColumns)))
  const lines = tools.flatMap((tool, index) => {
    const name = padColumns(names[index] as string, width)
    return [`${name}  ${toPlainLine(tool.description ?? '')}`, ...describeArguments(tool, columns)]
  })
  return lines.map(line => `${line.trimEnd()}\n`).join('')
}

/** Empty for a Standard Schema, which is code. */
function describeArguments({ inputSchema }: AnyTool, columns: number): string[] {
  const schema: Fields = inputSchema === undefined || '~standard' in inputSchema ? {} : inputSchema
  const required: readonly unknown[] = Array.isArray(schema['required']) ? schema['required'] : []
  const rows = Object.entries(asFields(schema['properties'])).map(([name, argument]) => {
    const type = fitColumns(toPlainLine(describeType(argument)), MAX_TYPE)
    const { description } = asFields(argument)
    return {
      name: fitColumns(toPlainLine(name), MAX_NAME),
      type: required.includes(name) ? `${type}, required` : type,
      text: typeof description === 'string' ? toPlainLine(description.replaceAll(/\s+/g, ' ').trim()) : '',
    }
  })
  const nameWidth = Math.max(0, ...rows.map(({ name }) => countColumns(name)))
  const typeWidth = Math.max(0, ...rows.map(({ type }) => countColumns(type)))
  return rows.map(({ name, type, text }) =>
    fitColumns(`    ${padColumns(name, nameWidth)}  ${padColumns(type, typeWidth)}  ${text}`.trimEnd(), columns),
  )
}

/** A short name for the type of any JSON Schema: `string`, `"a" | "b"`, `string[]`, `any`. */
function describeType(schema: unknown): string {
  const { type, enum: values, const: value, items, anyOf, oneOf } = asFields(schema)
  if (value !== undefined) return JSON.stringify(value)
  if (Array.isArray(values)) return values.map(each => JSON.stringify(each)).join(' | ')
  if (type === 'array' && items !== undefined) {
    const item = describeItem(items)
    return item === 'any' ? 'array' : `${item}[]`
  }
  if (typeof type === 'string') return type
  if (Array.isArray(type)) return type.join(' | ')
  const choices = anyOf ?? oneOf
  return Array.isArray(choices) ? [...new Set(choices.map(describeItem))].join(' | ') : 'any'
}

/** One level deep: nested array types would not help the reader. */
function describeItem(schema: unknown): string {
  const { type } = asFields(schema)
  return typeof type === 'string' ? type : 'any'
}

function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}
