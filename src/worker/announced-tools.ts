import type { AnnouncedTool } from '../cluster/members.ts'
import type { Limit } from '../tools/limit.ts'
import type { RegisteredTool, ToolRegistry } from '../tools/registry.ts'
import type { JsonSchema } from '../tools/tool.ts'

/**
 * The tools of a registry as plain JSON. A limit that tools share has the name of the first of them, also where `isKept` leaves
 * that one out: all members then mean the same limit.
 */
export function announceTools(
  registry: ToolRegistry,
  isKept: (name: string) => boolean = () => true,
): readonly AnnouncedTool[] {
  const firstOf = new Map<Limit, string>()
  const tools: AnnouncedTool[] = []
  for (const tool of registry) {
    const { limit, name } = tool
    if (limit !== undefined && !firstOf.has(limit)) firstOf.set(limit, name)
    // Planners run in the process of their execution.
    if (isKept(name) && !tool.isPlanner) tools.push(describeTool(tool, limit && firstOf.get(limit)))
  }
  return tools
}

function describeTool(registered: RegisteredTool, limitKey: string | undefined): AnnouncedTool {
  const { name, version, limit, rate, timeoutMs, retry, exactNumbers, tool } = registered
  const { description, inputSchema, outputSchema, readOnly } = tool
  const schema = toJsonSchema(inputSchema)
  return {
    name,
    ...(description !== undefined && { description }),
    ...(version !== undefined && { version }),
    ...(schema !== undefined && tool.checkArguments !== false && { inputSchema: schema }),
    ...(outputSchema !== undefined && { outputSchema }),
    ...(readOnly !== undefined && { readOnly }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retry !== undefined && { retry }),
    ...(exactNumbers && { exactNumbers }),
    ...(limit !== undefined && { limit: limit.size, limitKey: limitKey ?? name }),
    ...(rate !== undefined && { rate }),
  }
}

/** A Standard Schema is code and is left out: its worker checks the arguments. */
function toJsonSchema(schema: RegisteredTool['tool']['inputSchema']): JsonSchema | undefined {
  return schema === undefined || '~standard' in schema ? undefined : schema
}
