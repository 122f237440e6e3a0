import { DagstreamError, recordUnusable } from '../../errors.ts'
import type { Stop } from '../../events/events.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import { type CheckedExecution, checkExecution } from '../../plan/compile.ts'
import type { ExecutionRecord } from '../../store/execution-store.ts'
import { quoteName } from '../../tools/json-pointer.ts'
import { type AnyTool, ToolRegistry } from '../../tools/registry.ts'
import type { RecordedWorkflow } from '../../workflow/document.ts'
import { collectNames } from '../../workflow/tool-names.ts'
import { parseRecorded } from './recorded-options.ts'

/** A recorded execution as it can be run now. */
export interface RecordedExecution extends CheckedExecution {
  /** Why nothing more of it runs, given the tasks that have settled. */
  readonly findFailure: (state: ExecutionState) => Stop | undefined
}

/**
 * Reads the workflow of a record as far as a lookup of its tools goes; the checks of the workflow cover the rest.
 * @throws `RECORD_UNUSABLE`
 */
export function parseWorkflow(workflow: string | undefined): RecordedWorkflow {
  if (workflow === undefined) throw recordUnusable('The store has no `workflow` of an execution')
  const document = parseRecorded('workflow', workflow)
  const { tasks, finally: last = [] } = (document ?? {}) as { readonly tasks?: unknown; readonly finally?: unknown }
  const isTask = (task: { readonly tool?: unknown; readonly workflow?: unknown } | null): boolean =>
    typeof task?.tool === 'string' || task?.workflow !== undefined
  if ([tasks, last].every(list => Array.isArray(list) && list.every(isTask))) return document as RecordedWorkflow
  throw recordUnusable('The `workflow` that the store has of an execution has no list of tasks with tools')
}

/**
 * Checks the workflow and the input of a record. A tool that is not there any more has a placeholder, so that the log can be read.
 * @throws `RECORD_UNUSABLE`
 */
export function checkRecorded({ workflow, input }: ExecutionRecord, tools: ToolRegistry): RecordedExecution {
  const document = parseWorkflow(workflow)
  const given = input === undefined ? undefined : parseRecorded('input', input)
  const named = collectNames(document).tools
  const missing = new Set([...named].filter(name => !tools.has(name)))
  const prepared = tryChecking(document, withPlaceholders(tools, missing), given)
  if ('plan' in prepared) {
    const findFailure = ({ tasks }: ExecutionState): Stop | undefined => {
      const needed = findUnsettledTool(document, missing, id => tasks.get(id)?.result !== undefined)
      if (needed === undefined) return undefined
      const message = `There is no tool ${quoteName(needed.tool)} any more, which the execution began with`
      return { code: 'TOOLS_UNAVAILABLE', message }
    }
    return { ...prepared, findFailure }
  }
  // For instance the schema of a tool has changed.
  const all = withPlaceholders(new ToolRegistry(), named)
  const withoutTools = tryChecking(document, all, given)
  if ('plan' in withoutTools) {
    const failure: Stop = { code: prepared.error.code, message: prepared.error.message }
    return { ...withoutTools, findFailure: () => failure }
  }
  throw recordUnusable('The `workflow` that the store has of an execution does not pass its checks', withoutTools.error)
}

/** The plan and the input of a recorded execution, or the error that says what is invalid in them. */
function tryChecking(
  document: RecordedWorkflow,
  tools: ToolRegistry,
  input: unknown,
): ReturnType<typeof checkExecution> | { readonly error: DagstreamError } {
  try {
    return checkExecution(document, tools, input, true)
  } catch (error) {
    if (error instanceof DagstreamError && error.code === 'INVALID_WORKFLOW') return { error }
    throw error
  }
}

/** A tool that an unsettled task needs, or a task that it runs. */
export function findUnsettledTool(
  { tasks, finally: last = [], workflows = {} }: RecordedWorkflow,
  tools: ReadonlySet<string>,
  isSettled: (taskId: string) => boolean,
): { readonly taskId: string; readonly tool: string } | undefined {
  for (const task of [...tasks, ...last]) {
    if (isSettled(task.id)) continue
    for (const tool of collectNames({ tasks: [task], workflows }).tools)
      if (tools.has(tool)) return { taskId: task.id, tool }
  }
  return undefined
}

/** No placeholder is ever called. */
function withPlaceholders(tools: ToolRegistry, missing: ReadonlySet<string>): ToolRegistry {
  if (missing.size === 0) return tools
  const known = new WeakMap(Array.from(tools, registered => [registered.tool, registered] as const))
  const placeholderTools = Array.from(missing, (name): AnyTool => ({ name, execute: () => null }))
  return ToolRegistry.reusing([...Array.from(tools, ({ tool }) => tool), ...placeholderTools], known)
}
