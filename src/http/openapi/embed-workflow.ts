import { workflowSchema } from '../../workflow/schema.ts'

/**
 * Embeds the schema of workflows in another document.
 * @param place the reference that replaces the references of the schema to itself
 */
export function embedWorkflow(place: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { $schema: _schema, $id: _id, ...schema } = workflowSchema
  const replace = (key: string, value: unknown): unknown => (key === '$ref' ? place['$ref'] : value)
  return JSON.parse(JSON.stringify(schema, replace)) as Readonly<Record<string, unknown>>
}
