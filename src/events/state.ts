import type {
  EventFor,
  ExecutionCounts,
  ExecutionStatus,
  OutputReference,
  Reason,
  Schedule,
  SSEEvent,
  TaskCode,
  TaskSnapshot,
  TaskStatus,
} from './events.ts'
import type { TokenUsage } from './token-usage.ts'

/** A task as its events have made it so far. */
export interface TaskState extends OutputReference {
  readonly taskId: string
  readonly layer: number
  status: TaskStatus
  /** Known once the task has started or ended. */
  tool?: string
  /** Attempts started so far. */
  attempts: number
  /** Of the attempt that runs, the last that was reported. */
  progress?: { readonly progress: number; readonly total?: number; readonly message?: string }
  /** As the event carried it: inside the engine a `JsonValue`, at a client the value. */
  output?: unknown
  error?: string
  code?: TaskCode
  causedBy?: string
  executionTimeMs?: number
  waitMs?: number
  abandoned?: true
  outputBytes?: number
  outputPreview?: string
  outputPath?: string
}

/** An execution as its events have made it so far: what `GET`, snapshots, recovery, clients and viewers show. */
export interface ExecutionState {
  executionId: string
  name?: string
  /** The last event that is in here. */
  seq: number
  status: 'pending' | 'running' | ExecutionStatus
  schedule?: Schedule
  /** In the order of the layers. */
  readonly tasks: Map<string, TaskState>
  counts: { -readonly [K in keyof ExecutionCounts]: ExecutionCounts[K] }
  tokenUsage?: TokenUsage
  reason?: Reason
  /** Known at the end. */
  totals?: Pick<
    EventFor<'execution_complete'>['data'],
    'totalExecutionTimeMs' | 'speedup' | 'criticalPathMs' | 'parallelizationLayers'
  >
}

/** The state before the first event. */
export function createState(executionId: string): ExecutionState {
  return {
    executionId,
    seq: 0,
    status: 'pending',
    tasks: new Map(),
    counts: { totalTasks: 0, successCount: 0, errorCount: 0, skippedCount: 0, cancelledCount: 0 },
  }
}

/**
 * Applies one event to the state, in place. The one reducer: engine, `GET`, snapshots, recovery, client and viewer use it.
 *
 * `seq` is the event's place in the log, 0 for one that is not in it. Types, tasks and fields that it does not know
 * change nothing, so that an older reader can follow a newer writer.
 */
export function applyEvent(state: ExecutionState, event: Pick<SSEEvent, 'type' | 'data'>, seq: number): void {
  if (seq > 0) state.seq = seq
  const { type, data } = event as SSEEvent
  switch (type) {
    case 'task_start': {
      const task = state.tasks.get(data.taskId)
      if (task === undefined) return
      task.status = 'running'
      task.tool = data.tool
      task.attempts = data.attempt
      return
    }
    case 'task_complete': {
      const task = state.tasks.get(data.taskId)
      if (task !== undefined) completeTask(state, task, data)
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
      // What the attempt streamed is void.
      if (task !== undefined) delete task.progress
      return
    }
    case 'token_usage':
      state.tokenUsage = data.executionTokenUsage
      return
    case 'execution_start':
      startExecution(state, data)
      return
    case 'execution_complete':
      state.status = data.status
      if (data.reason !== undefined) state.reason = data.reason
      if (data.tokenUsage !== undefined) state.tokenUsage = data.tokenUsage
      state.totals = {
        totalExecutionTimeMs: data.totalExecutionTimeMs,
        speedup: data.speedup,
        criticalPathMs: data.criticalPathMs,
        parallelizationLayers: data.parallelizationLayers,
      }
      return
    case 'snapshot':
      restoreSnapshot(state, data)
      return
    case 'token':
    case 'info':
    case 'metrics':
    case 'error':
      // They tell of a moment; nothing of them is state.
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
  state.counts.totalTasks = data.totalTasks
  data.layers.forEach((ids, layer) => {
    for (const taskId of ids) state.tasks.set(taskId, { taskId, layer, status: 'pending', attempts: 0 })
  })
}

function completeTask(state: ExecutionState, task: TaskState, data: EventFor<'task_complete'>['data']): void {
  task.status = data.status
  task.tool = data.tool
  task.attempts = data.attempts
  task.executionTimeMs = data.executionTimeMs
  task.waitMs = data.waitMs
  if (data.status === 'success') {
    if (data.output !== undefined) task.output = data.output
    else if (data.outputPath !== undefined) copyOutputReference(task, data)
  } else {
    if (data.error !== undefined) task.error = data.error
    if (data.code !== undefined) task.code = data.code
    if (data.causedBy !== undefined) task.causedBy = data.causedBy
    if (data.abandoned) task.abandoned = true
  }
  state.counts[COUNTER[data.status]] += 1
}

function copyOutputReference(task: TaskState, from: OutputReference): void {
  if (from.outputBytes !== undefined) task.outputBytes = from.outputBytes
  if (from.outputPreview !== undefined) task.outputPreview = from.outputPreview
  if (from.outputPath !== undefined) task.outputPath = from.outputPath
}

function restoreSnapshot(state: ExecutionState, data: EventFor<'snapshot'>['data']): void {
  state.executionId = data.executionId
  state.seq = data.seq
  state.status = data.status
  state.tasks.clear()
  for (const task of data.tasks) state.tasks.set(task.taskId, { ...task })
  state.counts = { ...data.counts }
  if (data.tokenUsage === undefined) delete state.tokenUsage
  else state.tokenUsage = data.tokenUsage
}

/** The data of a `snapshot` event: everything `state` knows, with outputs as `readOutput` shows them. */
export function toSnapshot(
  state: ExecutionState,
  timestamp: string,
  readOutput: (task: TaskState) => Pick<TaskSnapshot, 'output' | keyof OutputReference>,
): EventFor<'snapshot'>['data'] {
  const tasks = Array.from(state.tasks.values(), (task): TaskSnapshot => {
    const { progress: _, output, ...rest } = task
    return output === undefined ? rest : { ...rest, ...readOutput(task) }
  })
  return {
    executionId: state.executionId,
    timestamp,
    seq: state.seq,
    status: state.status,
    tasks,
    counts: { ...state.counts },
    ...(state.tokenUsage && { tokenUsage: state.tokenUsage }),
  }
}
