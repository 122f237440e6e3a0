import type {
  AddedTask,
  EventFor,
  ExecutionCounts,
  ExecutionStatus,
  ExecutionTotals,
  OutputReference,
  Parked,
  Reason,
  Schedule,
  Stop,
  TaskResult,
  TaskStatus,
  WorkflowOutput,
} from './events.ts'
import { copyInputs, type InputState, restoreInputs } from './inputs.ts'
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
  /** The last attempt that failed and was to be followed by another: its streamed text is void. */
  retriedAttempt?: number
  /** Number of attempts that ended with their process. They do not count against the retry policy. */
  interruptedCount?: number
  /** Number of items of a `forEach`. */
  itemCount?: number
  /** Inside the engine, of a task whose tasks its tool plans: which of them start before the plan is complete. */
  eager?: 'read-only' | 'all'
  /** Of an added task: its parent; the number of an item or a round; whether a successful output of the parent holds its own. */
  readonly parentId?: string
  readonly index?: number
  readonly held?: true
  /** Inside the engine, of a task that joined the document or a plan: the whole task. */
  readonly definition?: unknown
  /** Inside the engine, of such a task: the ids of its dependencies. */
  readonly dependsOn?: readonly string[]
}

/** The state of an execution: the fold of its events so far. `GET`, snapshots, recovery, clients and viewers use it. */
export interface ExecutionState {
  executionId: string
  name?: string
  /** Seq of the last event applied. */
  seq: number
  status: 'pending' | 'running' | ExecutionStatus
  schedule?: Schedule
  /** Index of the first layer of `finally` tasks; absent if there are none. */
  finallyFrom?: number
  /** Its plan is still being written: tasks are added until it is sealed. */
  isUnsealed?: true
  /** Of a streamed plan: the last physical line that was accepted or left out. */
  planLine?: number
  /** Expected time from start to end by the history of the store, ms. */
  forecastMs?: number
  /** Inside the engine: what each task of the document is expected to take, ms, for the order of starts. */
  estimatesMs?: readonly number[]
  /** Inside the engine: the registered workflows that added tasks name. */
  addedWorkflows?: Readonly<Record<string, unknown>>
  /** Inside the engine: the tasks that were removed, also those that joined again under the same id. */
  removedTaskIds?: Set<string>
  /** In the order of the layers; added tasks follow in the order of their events. */
  readonly tasks: Map<string, TaskState>
  counts: { -readonly [K in keyof ExecutionCounts]: ExecutionCounts[K] }
  tokenUsage?: TokenUsage
  reason?: Reason
  /** By task, its questions in the order in which they were asked; absent until the first one. */
  inputs?: Map<string, InputState[]>
  /** Present while unsettled tasks are being ended. */
  stopping?: Stop
  /** Present while the execution is parked: it does not resume automatically. */
  parked?: Parked
  /** Its last process handed it off. */
  isHandedOff?: true
  /** Present once the execution has ended. */
  totals?: ExecutionTotals
  /** The value of the workflow's `output`, once the execution has ended. Inside the engine it is a `JsonValue`. */
  output?: unknown
  /** In its place if it is over 64 KiB on the wire. */
  outputReference?: OutputReference
  /** Why there is no output, though the workflow declares one. */
  outputError?: { readonly code: string; readonly message: string }
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

/** An independent copy of a state. Task results are shared, because they are immutable. */
export function copyState(state: ExecutionState): ExecutionState {
  const tasks = new Map(Array.from(state.tasks, ([taskId, task]) => [taskId, { ...task }]))
  const copy = { ...state, tasks, counts: { ...state.counts } }
  if (state.inputs !== undefined) copy.inputs = copyInputs(state.inputs)
  if (state.removedTaskIds !== undefined) copy.removedTaskIds = new Set(state.removedTaskIds)
  return copy
}

/** A task before its first event. */
export function createTask(taskId: string, layer: number): TaskState {
  return { taskId, layer, status: 'pending', tool: undefined, attempts: 0, progress: undefined, result: undefined }
}

/** An added task before its first event. */
export function createAddedTask(
  { taskId, layer, index, held, definition, dependsOn }: AddedTask,
  parentId: string | undefined,
): TaskState {
  const task: { -readonly [K in keyof TaskState]: TaskState[K] } = createTask(taskId, layer)
  if (parentId !== undefined) task.parentId = parentId
  if (index !== undefined) task.index = index
  if (held) task.held = held
  if (definition !== undefined) {
    task.definition = definition
    task.dependsOn = dependsOn
  }
  return task
}

/** The parent fields of an added task, without those that are `undefined`. */
export function joinParent({ parentId, index, held }: ParentFields): Pick<TaskState, keyof ParentFields> {
  return {
    ...(parentId !== undefined && { parentId }),
    ...(index !== undefined && { index }),
    ...(held && { held }),
  }
}

interface ParentFields {
  readonly parentId: string | undefined
  readonly index: number | undefined
  readonly held: true | undefined
}

/** The figures among others. */
export function toTotals(data: ExecutionTotals): ExecutionTotals {
  const { totalExecutionTimeMs, speedup, criticalPathMs, parallelizationLayers } = data
  return { totalExecutionTimeMs, speedup, criticalPathMs, parallelizationLayers }
}

/** Sets the output of the workflow. */
export function takeOutput(state: ExecutionState, data: WorkflowOutput): void {
  const { output, outputError, outputBytes, outputPreview, outputPath } = data
  if (output !== undefined) state.output = output
  if (outputError !== undefined) state.outputError = outputError
  if (outputBytes === undefined || outputPreview === undefined || outputPath === undefined) return
  state.outputReference = { outputBytes, outputPreview, outputPath }
}

/** Replaces a state by that of a snapshot. */
export function restoreSnapshot(state: ExecutionState, data: EventFor<'snapshot'>['data']): void {
  state.executionId = data.executionId
  state.seq = data.seq
  state.status = data.status
  state.tasks.clear()
  for (const snapshot of data.tasks) {
    const { taskId, layer, status, tool, attempts, progress, parentId, index, held, itemCount, ...more } = snapshot
    const { retriedAttempt, interruptedCount, ...rest } = more
    const hasEnded = status !== 'pending' && status !== 'running' && status !== 'waiting'
    const result = hasEnded ? ({ taskId, tool, status, attempts, ...rest } as TaskState['result']) : undefined
    const known = {
      status,
      tool,
      attempts,
      progress,
      result,
      ...(retriedAttempt !== undefined && { retriedAttempt }),
      ...(interruptedCount !== undefined && { interruptedCount }),
      ...(itemCount !== undefined && { itemCount }),
    }
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
  if (data.unsealed === undefined) delete state.isUnsealed
  else state.isUnsealed = true
  if (data.planLine !== undefined) state.planLine = data.planLine
  if (data.forecastMs !== undefined) state.forecastMs = data.forecastMs
  if (data.tokenUsage === undefined) delete state.tokenUsage
  else state.tokenUsage = data.tokenUsage
  if (data.stopping === undefined) delete state.stopping
  else state.stopping = data.stopping
  if (data.parked === undefined) delete state.parked
  else state.parked = data.parked
  if (data.inputs === undefined) delete state.inputs
  else state.inputs = restoreInputs(data.inputs)
  if (data.handedOff === undefined) delete state.isHandedOff
  else state.isHandedOff = true
}
