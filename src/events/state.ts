import type { EventFor, SSEEvent, Stop } from './events.ts'
import { closeInput, closeInputs, hasOpenInput, openInput } from './inputs.ts'
import {
  createAddedTask,
  createTask,
  type ExecutionState,
  restoreSnapshot,
  takeOutput,
  type TaskState,
  toTotals,
} from './execution-state.ts'

/**
 * Applies one event to the state, in place. The only reducer: engine, `GET`, snapshots, recovery, client and viewer use
 * it.
 *
 * `seq` is the event's position in the log; not positive for an event that is not logged. Unknown types, tasks and fields
 * are ignored, so that an older reader can follow a newer writer.
 * @param taskState the state of the event's task, if the caller has it: saves the lookup by id
 */
export function applyEvent(
  state: ExecutionState,
  event: Pick<SSEEvent, 'type' | 'data'>,
  seq: number,
  taskState?: TaskState,
): void {
  if (seq > 0) state.seq = seq
  const { type, data } = event as SSEEvent
  switch (type) {
    case 'task_start': {
      const task = taskState ?? state.tasks.get(data.taskId)
      if (task === undefined) return
      task.status = hasOpenInput(state.inputs, data.taskId) ? 'waiting' : 'running'
      task.tool = data.tool
      task.attempts = data.attempt
      if (data.itemCount !== undefined) task.itemCount = data.itemCount
      if (data.eager !== undefined) task.eager = data.eager
      return
    }
    case 'task_complete': {
      const task = taskState ?? state.tasks.get(data.taskId)
      if (task === undefined) return
      task.status = data.status
      task.tool = data.tool
      task.attempts = data.attempts
      task.progress = undefined
      task.result = data
      closeInputs(state.inputs, data.taskId)
      state.counts[COUNTER[data.status]] += 1
      if (data.optional) state.counts.toleratedCount = (state.counts.toleratedCount ?? 0) + 1
      return
    }
    case 'task_progress': {
      const task = state.tasks.get(data.taskId)
      if (task === undefined) return
      const { progress, total, message } = data
      task.progress = { progress, ...(total !== undefined && { total }), ...(message !== undefined && { message }) }
      return
    }
    case 'task_retry': {
      const task = state.tasks.get(data.taskId)
      if (task === undefined) return
      // Progress of the failed attempt is void.
      task.progress = undefined
      task.retriedAttempt = data.attempt
      if (data.interrupted) task.interruptedCount = (task.interruptedCount ?? 0) + 1
      return
    }
    case 'token_usage':
      state.tokenUsage = data.executionTokenUsage
      return
    case 'execution_start':
      startExecution(state, data)
      return
    case 'tasks_added':
      state.counts.totalTasks = data.totalTasks
      for (const task of data.tasks) {
        state.tasks.set(task.taskId, createAddedTask(task, data.parentId))
        if (task.line !== undefined) state.planLine = task.line
      }
      if (data.workflows !== undefined) state.addedWorkflows = { ...state.addedWorkflows, ...data.workflows }
      return
    case 'tasks_removed':
      state.counts.totalTasks = data.totalTasks
      state.removedTaskIds ??= new Set()
      for (const taskId of data.taskIds) {
        state.tasks.delete(taskId)
        state.removedTaskIds.add(taskId)
      }
      return
    case 'plan_rejected':
      if (data.parentId === undefined) state.planLine = data.line
      return
    case 'plan_sealed':
      delete state.isUnsealed
      return
    case 'input_required': {
      openInput((state.inputs ??= new Map()), data)
      const task = state.tasks.get(data.taskId)
      if (task !== undefined && task.result === undefined) task.status = 'waiting'
      return
    }
    case 'input_resolved': {
      closeInput(state.inputs, data)
      const task = state.tasks.get(data.taskId)
      if (task?.status === 'waiting' && !hasOpenInput(state.inputs, data.taskId)) {
        task.status = task.attempts === 0 ? 'pending' : 'running'
      }
      return
    }
    case 'execution_stopping':
      state.stopping = toStop(data)
      return
    case 'execution_handed_off':
      return void (state.isHandedOff = true)
    case 'execution_resumed':
      delete state.parked
      delete state.isHandedOff
      return
    case 'execution_parked':
      state.parked = { code: data.code, message: data.message, tasks: data.tasks }
      return
    case 'execution_complete':
      state.status = data.status
      if (data.reason !== undefined) state.reason = data.reason
      if (data.tokenUsage !== undefined) state.tokenUsage = data.tokenUsage
      if (data.toleratedCount !== undefined) state.counts.toleratedCount = data.toleratedCount
      takeOutput(state, data)
      state.totals = toTotals(data)
      return
    case 'snapshot':
      restoreSnapshot(state, data)
      return
    case 'tasks_stopping':
      // What it ends has events of its own.
      return
    case 'token':
    case 'info':
    case 'metrics':
    case 'error':
      // Momentary events that change no state.
      return
  }
}

const COUNTER = {
  success: 'successCount',
  error: 'errorCount',
  skipped: 'skippedCount',
  cancelled: 'cancelledCount',
} as const

function startExecution(state: ExecutionState, data: EventFor<'execution_start'>['data']): void {
  state.executionId = data.executionId
  state.status = 'running'
  state.schedule = data.schedule
  if (data.name !== undefined) state.name = data.name
  if (data.finallyFrom !== undefined) state.finallyFrom = data.finallyFrom
  if (data.unsealed) state.isUnsealed = true
  if (data.planLine !== undefined) state.planLine = data.planLine
  if (data.forecastMs !== undefined) state.forecastMs = data.forecastMs
  if (data.estimatesMs !== undefined) state.estimatesMs = data.estimatesMs
  state.counts.totalTasks = data.totalTasks
  data.layers.forEach((ids, layer) => {
    for (let at = 0; at < ids.length; at++) {
      const taskId = ids[at] as string
      state.tasks.set(taskId, createTask(taskId, layer))
    }
  })
}

/** Picks the fields of `Stop` from event data. */
export function toStop({ reason, message, code, requestId }: Stop): Stop {
  return {
    ...(reason && { reason }),
    message,
    ...(code !== undefined && { code }),
    ...(requestId !== undefined && { requestId }),
  }
}
