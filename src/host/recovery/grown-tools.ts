import { readDefinition } from '../../engine/growth/recorded-growth.ts'
import { describeRecord } from '../../engine/growth/describe-document.ts'
import { parseWorkflow } from '../../engine/resume/recorded-execution.ts'
import { describeError } from '../../log/describe-error.ts'
import { EventLog } from '../../log/event-log.ts'
import type { Logger } from '../../log/logger.ts'
import { callStore } from '../../store/call-store.ts'
import type { ExecutionStore, StoredExecution } from '../../store/execution-store.ts'
import { type AnyTool, type RegisteredTool, ToolRegistry } from '../../tools/registry.ts'
import type { ToolResolver } from '../../tools/tool-resolver.ts'
import type { DAGTask, RecordedWorkflow } from '../../workflow/document.ts'
import { collectNames } from '../../workflow/tool-names.ts'

/** The document of a stored execution as its log has changed it, for the lookup of its tools. */
export interface GrownDocument {
  /** With the tasks that planners added, wherever those belong. */
  readonly workflow: RecordedWorkflow
  /** Whether its plan is still being written: the rest may name any tool. */
  readonly isUnsealed: boolean
  /** The number of its physical lines that were accepted or left out. */
  readonly line: number
}

/** Reads a log as far as tools are looked up by it. Linear. @throws `RECORD_UNUSABLE`; the errors of the store */
export async function readGrownDocument(stored: StoredExecution, store: ExecutionStore): Promise<GrownDocument> {
  const { state } = await callStore(async () => {
    const base = await store.readBase?.(stored.executionId)
    return EventLog.restore(stored.executionId, store, { base })
  })
  const { workflow } = describeRecord(stored, state)
  const document = parseWorkflow(workflow)
  const planned = Array.from(state.tasks.values()).flatMap(({ definition, parentId }) =>
    definition === undefined || parentId === undefined ? [] : [readDefinition(definition) as DAGTask],
  )
  const workflows = { ...(state.addedWorkflows as RecordedWorkflow['workflows']), ...document.workflows }
  const grown = planned.length === 0 ? document : { ...document, tasks: [...document.tasks, ...planned], workflows }
  return { workflow: grown, isUnsealed: state.isUnsealed === true, line: state.planLine ?? 0 }
}

/** Whether a document, not validated, names a tool that plans tasks: these may name any tool. */
export function mayPlan(workflow: unknown, tools: ToolRegistry): boolean {
  return [...collectNames(workflow).tools].some(name => tools.get(name)?.isPlanner === true)
}

/** Adds all tools that are available now to those that a document names, which come first. Never rejects. */
export async function addAllTools(named: ToolRegistry, tools: ToolResolver, logger: Logger): Promise<ToolRegistry> {
  try {
    const all = await tools.tools()
    const known = new WeakMap<AnyTool, RegisteredTool>()
    const merged = new Map<string, AnyTool>()
    for (const registered of [...named, ...all]) {
      known.set(registered.tool, registered)
      if (!merged.has(registered.name)) merged.set(registered.name, registered.tool)
    }
    return ToolRegistry.reusing([...merged.values()], known)
  } catch (error) {
    const message = 'Tools that a plan may still name are not available'
    logger.warn(message, { error: describeError(error) })
    return named
  }
}
