import type {
  EventFor,
  ExecutionCounts,
  ExecutionStatus,
  OutputReference,
  Parked,
  Reason,
  Schedule,
  SSEEvent,
  Stop,
  TaskResult,
  TaskStatus,
} from './events.ts'
import type { TokenUsage } from './token-usage.ts'

/** The state of a task: the fold of its events so far. */
export interface TaskState {
  readonly taskId: string
  readonly layer: number
  status: TaskStatus
  /** Known once the task has started or ended. */
  tool: string | undefined
  /** Number of attempts started so far. */
  attempts: number
  /** The last reported progress of the running attempt. */
  progress: { readonly progress: number; readonly total?: number; readonly message?: string } | undefined
  /** The data of its `task_complete`, once it has ended. Inside the engine an output is a `JsonValue`. */
  result: (TaskResult & OutputReference) | undefined
  /** Of a `forEach`: how many items it has. */
  itemCount?: number
  /** Of an added task: its parent, and its position among the parent's children. */
  readonly parentId?: string
  readonly index?: number
}

/** The state of an execution: the fold of its events so far. `GET`, snapshots, recovery, clients and viewers use it. */
export interface ExecutionState {
  executionId: string
  name?: string
  /** Seq of the last event applied. */
  seq: number
  status: 'pending' | 'running' | ExecutionStatus
  schedule?: Schedule
  /** In the order of the layers; added tasks follow in the order of their events. */
  readonly tasks: Map<string, TaskState>
  counts: { -readonly [K in keyof ExecutionCounts]: ExecutionCounts[K] }
  tokenUsage?: TokenUsage
  reason?: Reason
  /** Present while unsettled tasks are being ended. */
  stopping?: Stop
  /** Present while the execution is parked: it does not resume automatically. */
  parked?: Parked
  /** Its last process handed it off. */
  isHandedOff?: true
  /** Present once the execution has ended. */
  totals?: ExecutionTotals
  /** What the workflow's `output` says, once the execution has ended. Inside the engine it is a `JsonValue`. */
  output?: unknown
  /** In its place if it is over 64 KiB on the wire. */
  outputReference?: OutputReference
  /** Why there is no output, though the workflow declares one. */
  outputError?: { readonly code: string; readonly message: string }
}

/** The figures that an execution ends with. */
export type ExecutionTotals = Pick<
  EventFor<'execution_complete'>['data'],
  'totalExecutionTimeMs' | 'speedup' | 'criticalPathMs' | 'parallelizationLayers'
>

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

/** An independent copy of a state. Task results are shared, because they are immutable. */
export function copyState(state: ExecutionState): ExecutionState {
  const tasks = new Map(Array.from(state.tasks, ([taskId, task]) => [taskId, { ...task }]))
  return { ...state, tasks, counts: { ...state.counts } }
}

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
      task.status = 'running'
      task.tool = data.tool
      task.attempts = data.attempt
      if (data.itemCount !== undefined) task.itemCount = data.itemCount
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
      // Progress of the failed attempt is void.
      if (task !== undefined) task.progress = undefined
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
      for (const { taskId, layer, index } of data.tasks) {
        state.tasks.set(taskId, { ...createTask(taskId, layer), ...joinParent(data.parentId, index) })
      }
      return
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

function takeOutput(state: ExecutionState, data: EventFor<'execution_complete'>['data']): void {
  const { output, outputError, outputBytes, outputPreview, outputPath } = data
  if (output !== undefined) state.output = output
  if (outputError !== undefined) state.outputError = outputError
  if (outputBytes === undefined || outputPreview === undefined || outputPath === undefined) return
  state.outputReference = { outputBytes, outputPreview, outputPath }
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
    for (let at = 0; at < ids.length; at++) {
      const taskId = ids[at] as string
      state.tasks.set(taskId, createTask(taskId, layer))
    }
  })
}

function createTask(taskId: string, layer: number): TaskState {
  return { taskId, layer, status: 'pending', tool: undefined, attempts: 0, progress: undefined, result: undefined }
}

/** Picks the fields of `Stop` from event data. */
export function toStop({ reason, message, code }: Stop): Stop {
  return { ...(reason && { reason }), message, ...(code !== undefined && { code }) }
}

/** The parent fields of an added task, without those that are `undefined`. */
export function joinParent(
  parentId: string | undefined,
  index: number | undefined,
): Pick<TaskState, 'parentId' | 'index'> {
  return { ...(parentId !== undefined && { parentId }), ...(index !== undefined && { index }) }
}

function restoreSnapshot(state: ExecutionState, data: EventFor<'snapshot'>['data']): void {
  state.executionId = data.executionId
  state.seq = data.seq
  state.status = data.status
  state.tasks.clear()
  for (const { taskId, layer, status, tool, attempts, parentId, index, itemCount, ...rest } of data.tasks) {
    const hasEnded = status !== 'pending' && status !== 'running'
    const result = hasEnded ? ({ taskId, tool, status, attempts, ...rest } as TaskState['result']) : undefined
    const known = { status, tool, attempts, result, ...(itemCount !== undefined && { itemCount }) }
    const task = { ...createTask(taskId, layer), ...known, ...joinParent(parentId, index) }
    state.tasks.set(taskId, task)
  }
  state.counts = { ...data.counts }
  if (data.tokenUsage === undefined) delete state.tokenUsage
  else state.tokenUsage = data.tokenUsage
  if (data.stopping === undefined) delete state.stopping
  else state.stopping = data.stopping
  if (data.parked === undefined) delete state.parked
  else state.parked = data.parked
}
