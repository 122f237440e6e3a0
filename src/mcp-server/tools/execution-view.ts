import { cutText } from '../../text.ts'
import { JsonValue } from '../../events/json-value.ts'
import type { TaskState } from '../../events/execution-state.ts'
import { listOpenInputs } from '../../events/inputs.ts'
import { WHOLE_EXECUTION } from '../../events/wire-json.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import { callStore } from '../../store/call-store.ts'
import type { ExecutionStore } from '../../store/execution-store.ts'
import { showResult, type ToolFault, type ToolResult } from './tool-result.ts'

/** Largest output in a result, characters of JSON; of a larger one the preview is given. */
const MAX_OUTPUT = 1024 * 1024
const PREVIEW = 1000

/** Number of failed tasks in a result. */
const MAX_ERRORS = 20

/** What is the same in every result about an execution. */
export function identify({ executionId, status }: Pick<HostedExecution, 'executionId' | 'status'>): {
  executionId: string
  status: string
} {
  return { executionId, status }
}

/**
 * The result about an execution as it is now: an error if it failed or was cancelled.
 * @param error why the call itself failed, if it did
 */
export async function showExecution(
  hosted: HostedExecution,
  store: ExecutionStore,
  error?: ToolFault,
): Promise<ToolResult> {
  const { status, log } = hosted
  const { state } = log
  const fields: Record<string, unknown> = identify(hosted)
  if (hosted.hasEnded) Object.assign(fields, await readOutput(hosted, store))
  const errors = listErrors(state.tasks.values())
  if (errors.length > 0) fields['errors'] = errors
  if (state.reason !== undefined) fields['reason'] = { ...state.reason }
  if (hosted.parked !== undefined) fields['reason'] = { ...hosted.parked }
  const inputs = log.ending === 'complete' ? [] : listOpenInputs(log.state.inputs)
  if (inputs.length > 0) fields['inputs'] = inputs
  // The log could not be kept: the next process may resume it.
  if (error === undefined && typeof log.ending === 'object') {
    const { code, error: message } = log.ending.data
    fields['error'] = { code, message }
  }
  if (error !== undefined) fields['error'] = error
  return showResult(fields, status === 'error' || status === 'cancelled' || fields['error'] !== undefined)
}

function listErrors(tasks: Iterable<TaskState>): object[] {
  const errors: object[] = []
  for (const { parentId, result } of tasks) {
    if (result?.status !== 'error' || parentId !== undefined) continue
    const { taskId, code = 'TOOL_ERROR', error = '', optional } = result
    errors.push({ taskId, code, error, ...(optional && { optional }) })
    if (errors.length === MAX_ERRORS) break
  }
  return errors
}

/** The output of the workflow; if it declares none, those of its last layer by task. */
async function readOutput(hosted: HostedExecution, store: ExecutionStore): Promise<object> {
  const { executionId, log } = hosted
  const { output, outputReference, outputError } = log.state
  if (outputError !== undefined) return { error: outputError }
  const read = async (taskId: string, value: unknown, isStored: boolean): Promise<JsonValue | undefined> => {
    if (value instanceof JsonValue) return value
    const json = isStored ? await callStore(() => store.getOutput(executionId, taskId)) : undefined
    return json === undefined ? undefined : JsonValue.fromText(json)
  }
  const whole = await read(WHOLE_EXECUTION, output, outputReference !== undefined)
  if (whole !== undefined) return showOutput(whole.text, () => whole.read())
  const outputs: Record<string, unknown> = {}
  let size = 0
  for (const { taskId, result } of listLastLayer(log.state.tasks.values(), log.state.finallyFrom)) {
    if (result?.status !== 'success') continue
    const value = await read(taskId, result.output, true)
    if (value === undefined) continue
    size += value.text.length
    if (size > MAX_OUTPUT) return showOutput(value.text, () => undefined, size)
    outputs[taskId] = value.read()
  }
  return Object.keys(outputs).length === 0 ? {} : { output: outputs }
}

function showOutput(text: string, read: () => unknown, size: number = text.length): object {
  if (size <= MAX_OUTPUT) return { output: read() }
  return { outputBytes: size, outputPreview: cutText(text, PREVIEW) }
}

/** The tasks of the document in its last layer before `finally`. */
function listLastLayer(tasks: Iterable<TaskState>, finallyFrom = Number.POSITIVE_INFINITY): TaskState[] {
  let last: TaskState[] = []
  let layer = -1
  for (const task of tasks) {
    if (task.parentId !== undefined || task.layer >= finallyFrom || task.layer < layer) continue
    if (task.layer > layer) last = []
    layer = task.layer
    last.push(task)
  }
  return last
}
