import type { Clock } from '../../clock.ts'
import type { AnnouncedTool, Members } from '../../cluster/members.ts'
import { DagstreamError } from '../../errors.ts'
import { describeError } from '../../log/describe-error.ts'
import type { Logger } from '../../log/logger.ts'
import { type AnyTool, type RegisteredTool, ToolRegistry } from '../../tools/registry.ts'
import type { ToolResolver } from '../../tools/tool-resolver.ts'
import { collectNames } from '../../workflow/tool-names.ts'
import { callStore } from '../../store/call-store.ts'
import { toAbsentTool, toTool } from './announced-tool.ts'
import { boundCall } from './bound-call.ts'

/** Age from which the list of members is read again, ms. */
const MAX_AGE_MS = 1000

/** Announced tools that are kept, living or not. */
const MAX_TOOLS = 10_000

interface KnownTool {
  /** The announcement as JSON. */
  readonly json: string
  /** `undefined`: it cannot be registered. */
  readonly tool: AnyTool | undefined
}

/** The tools of this server and those that living workers announce. The own one counts where both have a name. */
export class ClusterTools implements ToolResolver {
  readonly registry = undefined
  readonly #own: ToolResolver
  readonly #members: Members
  readonly #clock: Clock
  readonly #logger: Logger
  /** By name, the last announced version. Those of workers that have died remain, for executions that are taken over. */
  readonly #known = new Map<string, KnownTool>()
  readonly #registered = new WeakMap<AnyTool, RegisteredTool>()
  #living: readonly AnyTool[] = []
  #readAt = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined
  #merged: { readonly own: ToolRegistry; readonly living: readonly AnyTool[]; readonly all: ToolRegistry } | undefined

  constructor(own: ToolResolver, members: Members, clock: Clock, logger: Logger) {
    this.#own = own
    this.#members = members
    this.#clock = clock
    this.#logger = logger
  }

  async toolsFor(workflow: unknown): Promise<ToolRegistry> {
    await this.#refresh(MAX_AGE_MS)
    const { tools } = collectNames(workflow)
    const own = await this.#findOwn(workflow, tools)
    const merged = this.#merge(own)
    if (isComplete(merged, tools)) return merged
    // A worker may have begun since.
    await this.#refresh(0)
    return this.#merge(own)
  }

  async tools(): Promise<ToolRegistry> {
    await this.#refresh(MAX_AGE_MS)
    return this.#merge(await this.#own.tools())
  }

  /** For executions that began before: a tool that no living worker has is not missing, since its worker may return. */
  readonly recovery: ToolResolver = {
    registry: undefined,
    toolsFor: async workflow => {
      const found = await this.toolsFor(workflow)
      const { tools } = collectNames(workflow)
      if (isComplete(found, tools)) return found
      const absent = Array.from(tools, name => this.#known.get(name)?.tool ?? toAbsentTool(name))
      return this.#register(found, absent)
    },
    tools: () => this.tools(),
  }

  /** The tools of this server; none where it lacks some of them and workers have them. */
  async #findOwn(workflow: unknown, names: ReadonlySet<string>): Promise<ToolRegistry> {
    try {
      return await this.#own.toolsFor(workflow)
    } catch (error) {
      const isUnavailable = error instanceof DagstreamError && error.code === 'TOOLS_UNAVAILABLE'
      const none = new ToolRegistry()
      if (isUnavailable && isComplete(this.#merge(none), names)) return none
      throw error
    }
  }

  #merge(own: ToolRegistry): ToolRegistry {
    const living = this.#living
    if (this.#merged?.own !== own || this.#merged.living !== living) {
      this.#merged = { own, living, all: this.#register(own, living) }
    }
    return this.#merged.all
  }

  #register(first: ToolRegistry, further: readonly AnyTool[]): ToolRegistry {
    const tools = new Map(Array.from(first, ({ name, tool }) => [name, tool]))
    for (const tool of further) if (!tools.has(tool.name)) tools.set(tool.name, tool)
    return ToolRegistry.reusing([...tools.values()], this.#registered)
  }

  async #refresh(maxAgeMs: number): Promise<void> {
    if (this.#clock.now() - this.#readAt < maxAgeMs) return
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined))
    await this.#reading
  }

  async #read(): Promise<void> {
    const members = await boundCall(
      this.#clock,
      callStore(() => this.#members.list()),
    )
    this.#readAt = this.#clock.now()
    const living = new Map<string, AnyTool>()
    for (const { tools } of members) {
      for (const announced of tools) {
        const tool = living.has(announced.name) ? undefined : this.#know(announced)
        if (tool !== undefined) living.set(tool.name, tool)
      }
    }
    const all = [...living.values()]
    const isSame = all.length === this.#living.length && all.every((tool, at) => tool === this.#living[at])
    if (!isSame) this.#living = all
  }

  /** The same object for the same announcement: its schema is compiled once. */
  #know(announced: AnnouncedTool): AnyTool | undefined {
    const json = JSON.stringify(announced)
    const known = this.#known.get(announced.name)
    if (known?.json === json) return known.tool
    const tool = this.#check(announced)
    this.#known.delete(announced.name)
    this.#known.set(announced.name, { json, tool })
    const [oldest] = this.#known.keys()
    if (this.#known.size > MAX_TOOLS && oldest !== undefined) this.#known.delete(oldest)
    return tool
  }

  #check(announced: AnnouncedTool): AnyTool | undefined {
    try {
      const tool = toTool(announced)
      ToolRegistry.reusing([tool], this.#registered)
      return tool
    } catch (error) {
      const fields = { tool: announced.name, error: describeError(error) }
      this.#logger.warn('A worker announces a tool that this server cannot use', fields)
      return undefined
    }
  }
}

function isComplete(registry: ToolRegistry, names: ReadonlySet<string>): boolean {
  for (const name of names) if (!registry.has(name)) return false
  return true
}
