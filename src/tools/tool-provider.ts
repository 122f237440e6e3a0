import { invalidOption } from '../errors.ts'
import { type AnyTool, type RegisteredTool, ToolRegistry, type ToolSource } from './registry.ts'

/**
 * Tools that are had only when they are asked for, such as those of MCP servers that are started by the first workflow that names
 * them. Whoever made it closes it.
 *
 * Give the same objects each time: a tool's `limit` by number holds across executions by its object, and its schema is made
 * ready once.
 */
export interface ToolProvider {
  /**
   * At least the tools that a workflow names.
   * @param workflow as it was sent: nothing of it has been checked
   * @returns rejects with a `DagstreamError` `TOOLS_UNAVAILABLE` when some cannot be had now; of its `details.servers`
   * the `name`s are told to clients, its message to the log alone
   */
  toolsFor(workflow: unknown): Promise<ToolSource>
  /** All that can be had now, to be listed. Of the rest the provider's own log is told; it may also reject, as `toolsFor` does. */
  tools(): Promise<ToolSource>
}

/** Where tools are looked up: at once where they are given, else by asking for them. */
export interface ToolShelf {
  /** What a workflow that was not checked may name. */
  toolsFor(workflow: unknown): ToolRegistry | Promise<ToolRegistry>
  /** All there are. */
  tools(): ToolRegistry | Promise<ToolRegistry>
}

/**
 * The tools of a source, or of a provider: what has the functions `toolsFor` and `tools`.
 * @throws `INVALID_OPTION` or `INVALID_TOOL` for a source; what is wrong with the tools of a provider rejects when they are asked for
 */
export function createShelf(tools: ToolSource | ToolProvider): ToolShelf {
  if (!isProvider(tools)) {
    const registry = ToolRegistry.from(tools)
    return { toolsFor: () => registry, tools: () => registry }
  }
  const known = new WeakMap<AnyTool, RegisteredTool>()
  return {
    toolsFor: async workflow => ToolRegistry.reusing(await tools.toolsFor(workflow), known),
    tools: async () => ToolRegistry.reusing(await tools.tools(), known),
  }
}

function isProvider(tools: unknown): tools is ToolProvider {
  if (tools === undefined) {
    throw invalidOption('tools', 'an array of tools, an object of them, a ToolRegistry, or a ToolProvider', tools)
  }
  const { toolsFor, tools: all } = (tools ?? {}) as Partial<Record<keyof ToolProvider, unknown>>
  return typeof toolsFor === 'function' && typeof all === 'function'
}
