import type { EventFor, OutputReference, TaskSnapshot } from './events.ts'
import { type ExecutionState, joinParent } from './state.ts'

/** The data of a `snapshot` event: the whole `state`, with outputs rendered by `showOutput`. */
export function toSnapshot(
  state: ExecutionState,
  timestamp: string,
  showOutput: (taskId: string, output: unknown) => Pick<TaskSnapshot, 'output' | keyof OutputReference>,
): EventFor<'snapshot'>['data'] {
  const tasks = Array.from(state.tasks.values(), (task): TaskSnapshot => {
    const { taskId, layer, status, tool, attempts, parentId, index, itemCount, result } = task
    const known = {
      taskId,
      layer,
      status,
      attempts,
      ...joinParent(parentId, index),
      ...(tool !== undefined && { tool }),
      ...(itemCount !== undefined && { itemCount }),
    }
    if (result === undefined) return known
    // A result is event data: remove the fields of the event itself.
    const { executionId: _, timestamp: __, output, ...rest } = result as EventFor<'task_complete'>['data']
    return { ...known, ...rest, ...(output !== undefined && showOutput(taskId, output)) }
  })
  return {
    executionId: state.executionId,
    timestamp,
    seq: state.seq,
    status: state.status,
    tasks,
    counts: { ...state.counts },
    ...(state.tokenUsage && { tokenUsage: state.tokenUsage }),
    ...(state.stopping && { stopping: state.stopping }),
    ...(state.parked && { parked: state.parked }),
  }
}
