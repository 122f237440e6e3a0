import type { EventFor, OutputReference, TaskSnapshot, WorkflowOutput } from './events.ts'
import { type ExecutionState, joinParent } from './execution-state.ts'
import { listOpenInputs } from './inputs.ts'
import { WHOLE_EXECUTION } from './wire-json.ts'

/** How a snapshot shows an output. */
type ShownOutput = Pick<TaskSnapshot, 'output' | keyof OutputReference>

/**
 * The data of a `snapshot` event: the whole `state`, with outputs rendered by `showOutput`, which receives `WHOLE_EXECUTION`
 * as the id for the output of the workflow.
 */
export function toSnapshot(
  state: ExecutionState,
  timestamp: string,
  showOutput: (taskId: string, output: unknown) => ShownOutput,
): EventFor<'snapshot'>['data'] {
  const { executionId, seq, status, counts, name, schedule, finallyFrom, totals } = state
  const { tokenUsage, reason, stopping, parked } = state
  // First, so that the outputs of tasks do not take the room for it.
  const output = showWorkflowOutput(state, showOutput)
  const inputs = listOpenInputs(state.inputs)
  const tasks = Array.from(state.tasks.values(), (task): TaskSnapshot => {
    const { taskId, layer, tool, attempts, progress, parentId, index, held, itemCount, result } = task
    const { retriedAttempt, interruptedCount } = task
    const known = {
      taskId,
      layer,
      status: task.status,
      attempts,
      ...joinParent({ parentId, index, held }),
      ...(tool !== undefined && { tool }),
      ...(progress !== undefined && { progress }),
      ...(retriedAttempt !== undefined && { retriedAttempt }),
      ...(interruptedCount !== undefined && { interruptedCount }),
      ...(itemCount !== undefined && { itemCount }),
    }
    if (result === undefined) return known
    // A result is event data: remove the fields of the event itself.
    const { executionId: _, timestamp: __, output, ...rest } = result as EventFor<'task_complete'>['data']
    return { ...known, ...rest, ...(output !== undefined && showOutput(taskId, output)) }
  })
  return {
    executionId,
    timestamp,
    seq,
    status,
    ...(name !== undefined && { name }),
    ...(schedule && { schedule }),
    ...(finallyFrom !== undefined && { finallyFrom }),
    ...(state.isUnsealed && { unsealed: true }),
    ...(state.planLine !== undefined && { planLine: state.planLine }),
    ...(state.forecastMs !== undefined && { forecastMs: state.forecastMs }),
    tasks,
    counts: { ...counts },
    ...(tokenUsage && { tokenUsage }),
    ...(reason && { reason }),
    ...(stopping && { stopping }),
    ...(parked && { parked }),
    ...(inputs.length > 0 && { inputs }),
    ...(state.isHandedOff && { handedOff: true }),
    ...(totals && { totals }),
    ...output,
  }
}

function showWorkflowOutput(
  { output, outputReference, outputError }: ExecutionState,
  showOutput: (taskId: string, output: unknown) => ShownOutput,
): WorkflowOutput {
  return {
    ...(output === undefined ? outputReference : showOutput(WHOLE_EXECUTION, output)),
    ...(outputError && { outputError }),
  }
}
