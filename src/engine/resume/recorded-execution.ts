import { DagstreamError } from '../../errors.ts'
import type { Stop } from '../../events/events.ts'
import type { ExecutionState } from '../../events/state.ts'
import { type CheckedExecution, checkExecution } from '../../plan/compile.ts'
import type { StoredExecution } from '../../store/execution-store.ts'
import { quoteName } from '../../tools/json-pointer.ts'
import { type AnyTool, ToolRegistry } from '../../tools/registry.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import { parseRecorded } from './recorded-options.ts'

/** A recorded execution as it can be run now. */
export interface RecordedExecution extends CheckedExecution {
  /** Why nothing more of it runs, given the tasks that have settled. */
  readonly findFailure: (state: ExecutionState) => Stop | undefined
}

/**
 * Checks the workflow and the input of a record. A tool that is not there any more has a placeholder, so that the log can be read.
 * @throws `STORE_FAILED` for a record that cannot be used
 */
export function checkRecorded(
  { executionId, workflow, input }: StoredExecution,
  tools: ToolRegistry,
): RecordedExecution {
  if (workflow === undefined) {
    throw new DagstreamError('STORE_FAILED', `The store has no workflow of execution \`${executionId}\``)
  }
  const document = parseRecorded('workflow', workflow) as DAGStructure
  const given = input === undefined ? undefined : parseRecorded('input', input)
  const missing = new Set(document.tasks.map(({ tool }) => tool).filter(name => !tools.has(name)))
  try {
    const findFailure = ({ tasks }: ExecutionState): Stop | undefined => {
      const { tool } = document.tasks.find(({ id, tool: name }) => missing.has(name) && !tasks.get(id)?.result) ?? {}
      if (tool === undefined) return undefined
      const message = `There is no tool ${quoteName(tool)} any more, which the execution began with`
      return { code: 'TOOLS_UNAVAILABLE', message }
    }
    return { ...checkExecution(document, withPlaceholders(tools, missing), given, true), findFailure }
  } catch (error) {
    if (!(error instanceof DagstreamError) || error.code !== 'INVALID_WORKFLOW') throw error
    // For instance the schema of a tool has changed.
    const all = withPlaceholders(new ToolRegistry(), new Set(document.tasks.map(({ tool }) => tool)))
    const failure: Stop = { code: error.code, message: error.message }
    return { ...checkExecution(document, all, given, true), findFailure: () => failure }
  }
}

/** No placeholder is ever called. */
function withPlaceholders(tools: ToolRegistry, missing: ReadonlySet<string>): ToolRegistry {
  if (missing.size === 0) return tools
  const known = new WeakMap(Array.from(tools, registered => [registered.tool, registered] as const))
  const placeholderTools = Array.from(missing, (name): AnyTool => ({ name, execute: () => null }))
  return ToolRegistry.reusing([...Array.from(tools, ({ tool }) => tool), ...placeholderTools], known)
}
