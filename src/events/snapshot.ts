import type { EventFor, OutputReference, TaskSnapshot, WorkflowOutput } from './events.ts'
import { createTask, type ExecutionState, joinParent, takeOutput, type TaskState, toTotals } from './execution-state.ts'
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
  const tasks = Array.from(state.tasks.values(), (task): TaskSnapshot => {
    const { taskId, layer, tool, attempts, progress, parentId, index, held, itemCount, result } = task
    const known = {
      taskId,
      layer,
      status: task.status,
      attempts,
      ...joinParent({ parentId, index, held }),
      ...(tool !== undefined && { tool }),
      ...(progress !== undefined && { progress }),
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
    tasks,
    counts: { ...counts },
    ...(tokenUsage && { tokenUsage }),
    ...(reason && { reason }),
    ...(stopping && { stopping }),
    ...(parked && { parked }),
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

/** Replaces a state by that of a snapshot. */
export function restoreSnapshot(state: ExecutionState, data: EventFor<'snapshot'>['data']): void {
  state.executionId = data.executionId
  state.seq = data.seq
  state.status = data.status
  state.tasks.clear()
  for (const snapshot of data.tasks) {
    const { taskId, layer, status, tool, attempts, progress, parentId, index, held, itemCount, ...rest } = snapshot
    const hasEnded = status !== 'pending' && status !== 'running'
    const result = hasEnded ? ({ taskId, tool, status, attempts, ...rest } as TaskState['result']) : undefined
    const known = { status, tool, attempts, progress, result, ...(itemCount !== undefined && { itemCount }) }
    state.tasks.set(taskId, { ...createTask(taskId, layer), ...known, ...joinParent({ parentId, index, held }) })
  }
  // These never change back, and an older writer leaves them out.
  if (data.name !== undefined) state.name = data.name
  if (data.schedule !== undefined) state.schedule = data.schedule
  if (data.finallyFrom !== undefined) state.finallyFrom = data.finallyFrom
  if (data.reason !== undefined) state.reason = data.reason
  if (data.totals !== undefined) state.totals = toTotals(data.totals)
  takeOutput(state, data)
  state.counts = { ...data.counts }
  if (data.tokenUsage === undefined) delete state.tokenUsage
  else state.tokenUsage = data.tokenUsage
  if (data.stopping === undefined) delete state.stopping
  else state.stopping = data.stopping
  if (data.parked === undefined) delete state.parked
  else state.parked = data.parked
  if (data.handedOff === undefined) delete state.isHandedOff
  else state.isHandedOff = true
}
