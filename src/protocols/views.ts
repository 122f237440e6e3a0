import type {
  EventFor,
  ExecutionCounts,
  OutputReference,
  Reason,
  TaskResult,
  WorkflowOutput,
} from '../events/events.ts'
import type { ExecutionState } from '../events/execution-state.ts'
import { JsonValue } from '../events/json-value.ts'
import { isInline, showOutput, WHOLE_EXECUTION } from '../events/wire-json.ts'
import { isLarge } from './shown-tasks.ts'

/** The execution as a whole. */
export interface DagView {
  readonly executionId: string
  readonly name?: string
  readonly status: ExecutionState['status']
  readonly counts: ExecutionCounts
  /** Ids of the document's tasks by layer; absent above 200 tasks. */
  readonly layers?: readonly (readonly string[])[]
  /** Why it was stopped. */
  readonly reason?: Reason
}

/** What became of one task. */
export interface TaskView extends OutputReference {
  readonly taskId: string
  readonly status: 'retrying' | TaskResult['status']
  readonly tool?: string
  readonly output?: unknown
  readonly error?: string
  readonly code?: string
  /** Id of the task whose failure is the cause. */
  readonly causedBy?: string
  /** Of a retry: the id of the text that is void. */
  readonly voids?: string
  /** Of a retry: the failed attempt, and the delay before the next one, ms. */
  readonly attempt?: number
  readonly delayMs?: number
}

export function toDagView(state: ExecutionState): DagView {
  const { executionId, name, status, counts, reason } = state
  return {
    executionId,
    ...(name !== undefined && { name }),
    status,
    counts: { ...counts },
    ...(!isLarge(state) && { layers: listLayers(state) }),
    ...(reason && { reason }),
  }
}

function listLayers({ tasks }: ExecutionState): string[][] {
  const layers: string[][] = []
  for (const { taskId, layer, parentId } of tasks.values()) {
    if (parentId === undefined) (layers[layer] ??= []).push(taskId)
  }
  // Sparse only for a log that no version has written.
  return Array.from(layers, ids => ids ?? [])
}

/** The end of a task, its output as on the wire. */
export function toTaskView(data: EventFor<'task_complete'>['data']): TaskView {
  const { taskId, status, tool, error, code, causedBy } = data
  return {
    taskId,
    status,
    tool,
    ...showTaskOutput(data),
    ...(error !== undefined && { error }),
    ...(code !== undefined && { code }),
    ...(causedBy !== undefined && { causedBy }),
  }
}

/** The output of a task as on the wire: one over 64 KiB, or over `maxBytes`, is a reference. */
export function showTaskOutput(
  data: EventFor<'task_complete'>['data'],
  maxBytes?: number,
): Pick<TaskView, 'output' | keyof OutputReference> {
  return show(data.executionId, data.taskId, data, maxBytes)
}

/** The output of the workflow, likewise. */
export function showWorkflowOutput(data: EventFor<'execution_complete'>['data']): WorkflowOutput {
  return show(data.executionId, WHOLE_EXECUTION, data)
}

function show(
  executionId: string,
  taskId: string,
  { output, outputBytes, outputPreview, outputPath }: WorkflowOutput,
  maxBytes = Number.POSITIVE_INFINITY,
): { output?: unknown } & OutputReference {
  if (outputBytes !== undefined && outputPreview !== undefined && outputPath !== undefined) {
    return { outputBytes, outputPreview, outputPath }
  }
  if (output === undefined) return {}
  const value = output instanceof JsonValue ? output : JsonValue.from(output)
  // Inside the engine the value is not read: its JSON is inserted as it is.
  return isInline(value) && value.weight <= maxBytes ? { output } : showOutput(executionId, taskId, value, maxBytes)
}

/** A text that an output consists of; `undefined` for any other output. */
export function readText(output: unknown): string | undefined {
  const text = output instanceof JsonValue ? output.asString : output
  return typeof text === 'string' && text !== '' ? text : undefined
}

/** The id of the text that an attempt streams. */
export function formatTextId(taskId: string, attempt: number): string {
  return `${taskId}#${attempt}`
}
