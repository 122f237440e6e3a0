import { describeRecord } from '../../engine/growth/describe-document.ts'
import { parseWorkflow } from '../../engine/resume/recorded-execution.ts'
import { describeError } from '../../log/describe-error.ts'
import { EventLog } from '../../log/event-log.ts'
import type { Logger } from '../../log/logger.ts'
import { callStore } from '../../store/call-store.ts'
import type { ExecutionStore, StoredExecution } from '../../store/execution-store.ts'
import { type AnyTool, type RegisteredTool, ToolRegistry } from '../../tools/registry.ts'
import type { ToolResolver } from '../../tools/tool-resolver.ts'
import type { RecordedWorkflow } from '../../workflow/document.ts'

/** The document of a stored execution as its log has changed it. */
export interface GrownDocument {
  readonly workflow: RecordedWorkflow
  /** Whether its plan is still being written: the rest may name any tool. */
  readonly isUnsealed: boolean
}

/** Reads a log as far as tools are looked up by it. Linear. @throws `RECORD_UNUSABLE`; the errors of the store */
export async function readGrownDocument(stored: StoredExecution, store: ExecutionStore): Promise<GrownDocument> {
  const { state } = await callStore(async () => {
    const base = await store.readBase?.(stored.executionId)
    return EventLog.restore(stored.executionId, store, { base })
  })
  const { workflow } = describeRecord(stored, state)
  return { workflow: parseWorkflow(workflow), isUnsealed: state.isUnsealed === true }
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
