import { isJsonObject } from '../../json/describe-json.ts'
import type { WorkflowRegistry } from '../../plan/workflow-registry.ts'
import type { JsonSchema } from '../../tools/tool.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import { EXECUTION_SCHEMA } from './tool-result.ts'
import type { ToolDefinition } from './tool-definitions.ts'

/** A registered workflow as a tool. */
export interface WorkflowTool {
  readonly definition: ToolDefinition
  /** The name of the workflow. */
  readonly workflow: string
  /** The value of `$INPUT`, from the arguments of a call. */
  readonly toInput: (args: Readonly<Record<string, unknown>>) => unknown
}

/** Hosts accept names of `[A-Za-z0-9_-]`, up to this length. */
const MAX_NAME = 64

/** Field of the input where that is no object. */
const INPUT = 'input'

/** The tools of all registered workflows, by the names of tools. @param taken names of other tools */
export function listWorkflowTools(
  workflows: WorkflowRegistry | undefined,
  taken: readonly string[],
): ReadonlyMap<string, WorkflowTool> {
  const tools = new Map<string, WorkflowTool>()
  for (const workflow of workflows?.names() ?? []) {
    const document = workflows?.get(workflow)
    if (document === undefined) continue
    const name = chooseName(workflow, each => tools.has(each) || taken.includes(each))
    tools.set(name, describe(name, workflow, document))
  }
  return tools
}

/** The name of the workflow with `_` for other characters, and a number behind it where that name is taken. */
function chooseName(workflow: string, isTaken: (name: string) => boolean): string {
  const base = workflow.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, MAX_NAME)
  let name = base
  for (let number = 2; isTaken(name); number++) name = `${base.slice(0, MAX_NAME - 4)}_${number}`
  return name
}

function describe(name: string, workflow: string, { description, inputSchema }: DAGStructure): WorkflowTool {
  const definition = {
    name,
    title: workflow,
    description: description ?? `Runs the workflow ${workflow}`,
    outputSchema: EXECUTION_SCHEMA,
  }
  const schema = toObjectSchema(inputSchema)
  if (schema !== undefined)
    return { workflow, definition: { ...definition, inputSchema: schema }, toInput: args => args }
  // A reference inside it would lead elsewhere: the workflow checks the input anyway.
  const inner = JSON.stringify(inputSchema).includes('"$ref"') ? {} : inputSchema
  const wrapped: JsonSchema = {
    type: 'object',
    properties: { [INPUT]: inner },
    required: [INPUT],
    additionalProperties: false,
  }
  return { workflow, definition: { ...definition, inputSchema: wrapped }, toInput: args => args[INPUT] }
}

/** Arguments are objects, so a schema without `type` says the same with one. `undefined` for a schema of anything else. */
function toObjectSchema(schema: unknown): JsonSchema | undefined {
  if (schema === undefined || schema === true) return { type: 'object' }
  if (!isJsonObject(schema)) return undefined
  if (schema['type'] === undefined) return { ...schema, type: 'object' }
  return schema['type'] === 'object' ? schema : undefined
}
