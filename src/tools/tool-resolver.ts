import { invalidOption } from '../errors.ts'
import { type AnyTool, type RegisteredTool, ToolRegistry, type ToolSource } from './registry.ts'

/**
 * Provides tools on demand, such as those of MCP servers that start with the first workflow that names them. The creator
 * closes it.
 *
 * Return the same tool objects each time: a numeric `limit` holds across executions per object, and a schema is compiled
 * once per object.
 */
export interface ToolProvider {
  /**
   * Returns at least the tools that a workflow names.
   * @param workflow the document as received, not validated; the registered workflows that it names are in its `workflows`
   * @returns rejects with a `DagstreamError` `TOOLS_UNAVAILABLE` when some are unavailable; clients receive the `name`s of
   * its `details.servers`, only the log receives its message
   */
  toolsFor(workflow: unknown): Promise<ToolSource>
  /** Returns all tools available now, for listing. The provider logs the others, or rejects like `toolsFor`. */
  tools(): Promise<ToolSource>
}

/** Looks up tools: synchronously in a source, asynchronously through a provider. */
export interface ToolResolver {
  /** All tools of a source; `undefined` for a provider. */
  readonly registry: ToolRegistry | undefined
  /** The tools that a workflow, not validated, may name. */
  toolsFor(workflow: unknown): ToolRegistry | Promise<ToolRegistry>
  /** All available tools. */
  tools(): ToolRegistry | Promise<ToolRegistry>
}

/**
 * Wraps a source, or a provider: an object with the functions `toolsFor` and `tools`.
 * @throws `INVALID_OPTION` or `INVALID_TOOL` for a source; invalid tools of a provider reject each lookup
 */
export function createToolResolver(tools: ToolSource | ToolProvider): ToolResolver {
  if (!isProvider(tools)) {
    const registry = ToolRegistry.from(tools)
    return { registry, toolsFor: () => registry, tools: () => registry }
  }
  const known = new WeakMap<AnyTool, RegisteredTool>()
  return {
    registry: undefined,
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
