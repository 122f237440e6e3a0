import { DagstreamError, recordUnusable } from '../../errors.ts'
import type { Stop } from '../../events/events.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import { type CheckedExecution, checkExecution } from '../../plan/compile.ts'
import type { ExecutionRecord } from '../../store/execution-store.ts'
import { quoteName } from '../../tools/json-pointer.ts'
import { type AnyTool, ToolRegistry } from '../../tools/registry.ts'
import type { DAGStructure, DAGTask, DAGWorkflowTask, RecordedWorkflow } from '../../workflow/document.ts'
import { collectNames } from '../../workflow/tool-names.ts'
import { parseRecorded } from './recorded-options.ts'

type AnyTask = DAGTask | DAGWorkflowTask

/** A recorded execution as it can be run now. */
export interface RecordedExecution extends CheckedExecution {
  /** Why nothing more of it runs, apart from `finally` tasks, given the tasks that have settled. */
  readonly findFailure: (state: ExecutionState) => Stop | undefined
  /** Why its `finally` tasks do not run either, if nothing else does. */
  readonly findFinallyFailure: (state: ExecutionState) => Stop | undefined
}

/**
 * Parses the workflow of a record as far as the lookup of its tools needs; the checks of the workflow cover the rest.
 * @throws `RECORD_UNUSABLE`
 */
export function parseWorkflow(workflow: string | undefined): RecordedWorkflow {
  if (workflow === undefined) throw recordUnusable('The record of an execution has no `workflow`')
  const document = parseRecorded('workflow', workflow)
  const { tasks, finally: last = [] } = (document ?? {}) as { readonly tasks?: unknown; readonly finally?: unknown }
  const isTask = (task: { readonly tool?: unknown; readonly workflow?: unknown } | null): boolean =>
    typeof task?.tool === 'string' || task?.workflow !== undefined
  if ([tasks, last].every(list => Array.isArray(list) && list.every(isTask))) return document as RecordedWorkflow
  throw recordUnusable('The recorded `workflow` of an execution has no list of tasks with tools')
}

/**
 * Checks the workflow and the input of a record. A missing tool is replaced by a placeholder, so that the log can be read.
 * @throws `RECORD_UNUSABLE`
 */
export function checkRecorded({ workflow, input }: ExecutionRecord, tools: ToolRegistry): RecordedExecution {
  const document = parseWorkflow(workflow)
  const given = input === undefined ? undefined : parseRecorded('input', input)
  const named = collectNames(document).tools
  const missing = new Set([...named].filter(name => !tools.has(name)))
  const prepared = tryChecking(document, withPlaceholders(tools, missing), given)
  if ('plan' in prepared) {
    return {
      ...prepared,
      findFailure: ({ tasks }) =>
        describeMissing(findUnsettledTool(document, missing, id => tasks.get(id)?.result !== undefined)?.tool),
      findFinallyFailure: state => describeMissing(findFinallyTool(document, missing, state)),
    }
  }
  // For example, the schema of a tool has changed.
  const all = withPlaceholders(new ToolRegistry(), named)
  const withoutTools = tryChecking(document, all, given)
  if ('plan' in withoutTools) {
    const failure: Stop = { code: prepared.error.code, message: prepared.error.message }
    const find = (): Stop => failure
    return { ...withoutTools, findFailure: find, findFinallyFailure: find }
  }
  throw recordUnusable('The recorded `workflow` of an execution does not pass its checks', withoutTools.error)
}

/** Returns the plan and the input of a recorded execution, or the error that lists their problems. */
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

/** The stop of an execution for the lack of a tool. */
export function describeMissing(tool: string | undefined): Stop | undefined {
  if (tool === undefined) return undefined
  const message = `Tool ${quoteName(tool)}, which the execution uses, no longer exists`
  return { code: 'TOOLS_UNAVAILABLE', message }
}

/** A tool that an unsettled task needs, or a task that it runs. */
export function findUnsettledTool(
  { tasks, finally: last = [], workflows = {} }: RecordedWorkflow,
  tools: ReadonlySet<string>,
  isSettled: (taskId: string) => boolean,
): { readonly taskId: string; readonly tool: string } | undefined {
  if (tools.size === 0) return undefined
  // Many tasks may run the same registered workflow.
  const known = new Map<string, string | undefined>()
  for (const task of [...tasks, ...last]) {
    if (isSettled(task.id)) continue
    const name = typeof task.workflow === 'string' ? task.workflow : undefined
    const isKnown = name !== undefined && known.has(name)
    const tool = isKnown ? known.get(name) : findTool(collectNames({ tasks: [task], workflows }).tools, tools)
    if (name !== undefined) known.set(name, tool)
    if (tool !== undefined) return { taskId: task.id, tool }
  }
  return undefined
}

function findTool(named: ReadonlySet<string>, tools: ReadonlySet<string>): string | undefined {
  for (const name of named) if (tools.has(name)) return name
  return undefined
}

/**
 * A tool that `finally` tasks need once nothing else of the execution starts: those of the document, and those of workflows
 * that its tasks have begun.
 */
function findFinallyTool(
  { tasks, finally: last = [], workflows = {} }: RecordedWorkflow,
  tools: ReadonlySet<string>,
  { tasks: states }: ExecutionState,
): string | undefined {
  if (tools.size === 0) return undefined
  const unsettled = last.filter(({ id }) => states.get(id)?.result === undefined)
  const begun = tasks.filter(({ id }) => states.get(id)?.status === 'running')
  const nested = collectFinally(begun, workflows)
  return findTool(collectNames({ tasks: [...unsettled, ...nested], workflows }).tools, tools)
}

/** The `finally` tasks of the workflows that tasks run, at any depth. @param tasks of a valid document */
function collectFinally(tasks: readonly AnyTask[], workflows: Readonly<Record<string, DAGStructure>>): AnyTask[] {
  const found: AnyTask[] = []
  const waiting = [...tasks]
  const seen = new Set<string>()
  for (let task = waiting.pop(); task !== undefined; task = waiting.pop()) {
    const { workflow } = task
    if (typeof workflow === 'string' && seen.has(workflow)) continue
    if (typeof workflow === 'string') seen.add(workflow)
    const nested = typeof workflow === 'string' ? workflows[workflow] : workflow
    found.push(...(nested?.finally ?? []))
    waiting.push(...(nested?.tasks ?? []))
  }
  return found
}

/** No placeholder is ever called. One that is must not succeed. */
function refuseCall(name: string): never {
  throw new Error(`There is no tool ${quoteName(name)}`)
}

/** With a placeholder for each missing tool. */
export function withPlaceholders(tools: ToolRegistry, missing: ReadonlySet<string>): ToolRegistry {
  if (missing.size === 0) return tools
  const known = new WeakMap(Array.from(tools, registered => [registered.tool, registered] as const))
  const placeholderTools = Array.from(missing, (name): AnyTool => ({ name, execute: () => refuseCall(name) }))
  return ToolRegistry.reusing([...Array.from(tools, ({ tool }) => tool), ...placeholderTools], known)
}
