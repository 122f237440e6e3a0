import type { AddedTask, EventData, InputQuestion } from '../../events/events.ts'
import type { LogEntry } from '../../events/log-entry.ts'
import { JsonValue } from '../../events/json-value.ts'
import type { ExecutionState, TaskState } from '../../events/execution-state.ts'
import { EventLog } from '../../log/event-log.ts'
import type { ExecutionPlan } from '../../plan/execution-plan.ts'
import type { AppliedEvent } from '../../scheduler/table-input.ts'
import type { TableOptions } from '../../scheduler/table-input.ts'
import { TaskTable } from '../../scheduler/task-table.ts'
import type { ExecutionStore, StoredExecution } from '../../store/execution-store.ts'
import { adoptNotes, LegacyEntries } from './legacy-record.ts'
import { orderByDependencies } from '../growth/order-by-dependencies.ts'
import type { RecordedGrowth } from '../growth/recorded-growth.ts'
import { OutputBudget } from '../output-budget.ts'

/** The replayed parts of an execution. */
export interface Replayed {
  readonly log: EventLog
  readonly table: TaskTable
  readonly outputs: OutputBudget
}

/** Reads a log and applies its events one by one. @throws what the store throws */
export async function replay(
  { executionId, notes }: StoredExecution,
  store: ExecutionStore,
  plan: ExecutionPlan,
  options: TableOptions,
  growth?: RecordedGrowth,
): Promise<Replayed> {
  const table = new TaskTable(plan, options)
  const outputs = new OutputBudget()
  const legacy = new LegacyEntries()
  const apply = (event: AppliedEvent): void => {
    growth?.apply(event, table)
    table.apply(event)
    if (event.type !== 'task_complete') return
    const { output } = event.data
    if (output instanceof JsonValue) outputs.restore(output)
  }
  const base = await store.readBase?.(executionId)
  if (base !== undefined) for (const event of summarize(base, table)) apply(event)
  const onEntry = (entry: LogEntry): void => apply(legacy.upgrade(entry))
  const log = await EventLog.restore(executionId, store, { base, restoresOutputs: true, onEntry })
  adoptNotes(table.history, notes)
  return { log, table, outputs }
}

/** A state has neither the time of a failure nor its delay: the next attempt starts at once. */
const FAILURE = {
  timestamp: new Date(0).toISOString(),
  delayMs: 0,
  code: 'TOOL_ERROR',
  error: 'Its event was evicted',
} as const

/** The children of one parent; those of the document have the parent `undefined`. */
type Siblings = ReadonlyMap<string | undefined, readonly TaskState[]>

/** The questions of a task and how they were resolved. */
function* summarizeInputs(
  { inputs }: ExecutionState,
  taskId: string,
  kind: InputQuestion['kind'],
  head: EventData,
): Generator<AppliedEvent, void, undefined> {
  for (const { outcome, response, ...question } of inputs?.get(taskId) ?? []) {
    if (question.kind !== kind) continue
    yield { type: 'input_required', data: { ...head, ...question } }
    const { inputId } = question
    if (outcome !== undefined) yield { type: 'input_resolved', data: { ...head, taskId, inputId, outcome, response } }
  }
}

/**
 * The attempts of a task that has not ended: the interrupted ones do not count against its retry policy, failed ones do. A task whose
 * last attempt was interrupted waits for a delay of 0 ms, as after a failure.
 */
function* summarizeAttempts(
  { taskId, attempts: attempt, retriedAttempt, interruptedCount = 0 }: TaskState,
  start: AppliedEvent,
  state: ExecutionState,
  head: EventData,
): Generator<AppliedEvent, void, undefined> {
  const retry = { ...head, ...FAILURE, taskId, attempt }
  for (let at = 0; at < interruptedCount; at++) {
    yield start
    yield { type: 'task_retry', data: { ...retry, interrupted: true } }
  }
  yield start
  yield* summarizeInputs(state, taskId, 'question', head)
  if (retriedAttempt === attempt) yield { type: 'task_retry', data: retry }
}

/** Events that reproduce a state, for a memory store that has evicted the first entries. */
function* summarize(state: ExecutionState, table: TaskTable): Generator<AppliedEvent, void, undefined> {
  const head = { executionId: state.executionId, timestamp: '' }
  yield* summarizeGrowth(state, table, head)
  yield* summarizeGroup(state, groupTasks(state), undefined, head)
  const { stopping, parked, isHandedOff } = state
  if (stopping !== undefined) yield { type: 'execution_stopping', data: { ...head, ...stopping } }
  if (parked !== undefined) yield { type: 'execution_parked', data: { ...head, ...parked } }
  if (isHandedOff) yield { type: 'execution_handed_off', data: head }
}

/** The tasks of the document that were removed or have joined it, and the seal of its plan. */
function* summarizeGrowth(
  { tasks, addedWorkflows: workflows, isUnsealed, status }: ExecutionState,
  { graph, hold }: TaskTable,
  head: EventData,
): Generator<AppliedEvent, void, undefined> {
  const removed =
    status === 'pending'
      ? []
      : graph.plan.tasks.filter(({ id }) => tasks.get(id)?.definition !== undefined || !tasks.has(id))
  if (removed.length > 0)
    yield { type: 'tasks_removed', data: { ...head, taskIds: removed.map(({ id }) => id), totalTasks: 0 } }
  // One that was replaced stands behind its dependents in the state.
  const joined = Array.from(tasks.values()).filter(
    ({ definition, parentId }) => definition !== undefined && parentId === undefined,
  )
  const added = orderByDependencies(joined, ({ dependsOn = [] }) => dependsOn.flatMap(id => tasks.get(id) ?? []))
  const described = added.map(describeAdded)
  if (added.length > 0) {
    yield { type: 'tasks_added', data: { ...head, tasks: described, totalTasks: 0, ...(workflows && { workflows }) } }
  }
  if (!isUnsealed && !hold.isSealed) yield { type: 'plan_sealed', data: { ...head, totalTasks: 0 } }
}

/**
 * Only this state is left of the times; the process has not changed, which is what they are needed for. The order differs from
 * that of the log: a parent gets all of its children at once, and failures come last, so that what follows from them concerns
 * only tasks that have not ended. The approvals of tasks that have not started come last of all: their tasks are ready by then.
 */
function* summarizeGroup(
  state: ExecutionState,
  siblings: Siblings,
  parent: string | undefined,
  head: EventData,
): Generator<AppliedEvent, void, undefined> {
  const tasks = siblings.get(parent) ?? []
  const { addedWorkflows: workflows } = state
  for (const task of tasks) {
    const { taskId, tool = '', layer, attempts: attempt, itemCount, eager, result } = task
    const children = siblings.get(taskId)
    if (attempt === 0 || (result !== undefined && children === undefined)) continue
    const more = { ...(itemCount !== undefined && { itemCount }), ...(eager !== undefined && { eager }) }
    if (result === undefined) yield* summarizeInputs(state, taskId, 'approval', head)
    const start: AppliedEvent = { type: 'task_start', data: { ...head, taskId, tool, layer, attempt, ...more } }
    if (result !== undefined || children !== undefined) yield start
    else yield* summarizeAttempts(task, start, state, head)
    if (children === undefined) continue
    // The planner joins before what it plans.
    for (const isPlanned of [false, true]) {
      const joined = children.filter(({ definition }) => (definition !== undefined) === isPlanned)
      if (joined.length === 0) continue
      const data = { ...head, parentId: taskId, tasks: joined.map(describeAdded), totalTasks: 0 }
      yield { type: 'tasks_added', data: { ...data, ...(isPlanned && workflows && { workflows }) } }
    }
    yield* summarizeGroup(state, siblings, taskId, head)
  }
  for (const isLast of [false, true]) {
    for (const { result } of tasks) {
      if (result === undefined || isLast !== (result.status === 'error' && !result.optional)) continue
      yield { type: 'task_complete', data: { ...head, ...result } }
    }
  }
  for (const { taskId, attempts, result } of tasks) {
    if (attempts === 0 && result === undefined) yield* summarizeInputs(state, taskId, 'approval', head)
  }
}

function describeAdded({ taskId, tool = '', layer, index, definition }: TaskState): AddedTask {
  const more = { ...(index !== undefined && { index }), ...(definition !== undefined && { definition }) }
  return { taskId, tool, layer, dependsOn: [], ...more }
}

function groupTasks({ tasks }: ExecutionState): Siblings {
  const siblings = new Map<string | undefined, TaskState[]>()
  for (const task of tasks.values()) {
    const known = siblings.get(task.parentId)
    if (known === undefined) siblings.set(task.parentId, [task])
    else known.push(task)
  }
  return siblings
}
