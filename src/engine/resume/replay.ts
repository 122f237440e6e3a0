import type { AddedTask, EventData } from '../../events/events.ts'
import type { LogEntry } from '../../events/log-entry.ts'
import { JsonValue } from '../../events/json-value.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import { EventLog } from '../../log/event-log.ts'
import type { ExecutionPlan } from '../../plan/execution-plan.ts'
import type { AppliedEvent } from '../../scheduler/table-input.ts'
import type { TableOptions } from '../../scheduler/table-input.ts'
import { TaskTable } from '../../scheduler/task-table.ts'
import type { ExecutionStore, StoredExecution } from '../../store/execution-store.ts'
import { adoptNotes, LegacyEntries } from './legacy-record.ts'
import { OutputBudget } from '../output-budget.ts'

/** An execution as its log left it. */
export interface Replayed {
  readonly log: EventLog
  readonly table: TaskTable
  readonly outputs: OutputBudget
}

/** Reads a log and applies it, event by event. @throws what the store throws */
export async function replay(
  { executionId, notes }: StoredExecution,
  store: ExecutionStore,
  plan: ExecutionPlan,
  options: TableOptions,
): Promise<Replayed> {
  const table = new TaskTable(plan, options)
  const outputs = new OutputBudget()
  const legacy = new LegacyEntries()
  const apply = (event: AppliedEvent): void => {
    table.apply(event)
    if (event.type !== 'task_complete') return
    const { output } = event.data
    if (output instanceof JsonValue) outputs.restore(output)
  }
  const base = await store.readBase?.(executionId)
  if (base !== undefined) for (const event of summarize(base)) apply(event)
  const onEntry = (entry: LogEntry): void => apply(legacy.upgrade(entry))
  const log = await EventLog.restore(executionId, store, { base, restoresOutputs: true, onEntry })
  adoptNotes(table.history, notes)
  return { log, table, outputs }
}

function hasEndedAncestor({ tasks }: ExecutionState, parentId: string): boolean {
  for (
    let at = tasks.get(parentId);
    at !== undefined;
    at = at.parentId === undefined ? undefined : tasks.get(at.parentId)
  ) {
    if (at.result !== undefined) return true
  }
  return false
}

/** The questions of a task, and how they ended. */
function* summarizeInputs({ inputs }: ExecutionState, taskId: string, head: EventData): Generator<AppliedEvent> {
  for (const { outcome, response, ...question } of inputs?.get(taskId) ?? []) {
    yield { type: 'input_required', data: { ...head, ...question } }
    const { inputId } = question
    if (outcome !== undefined) yield { type: 'input_resolved', data: { ...head, taskId, inputId, outcome, response } }
  }
}

/** Events that add up to a state: where a store in memory has let the first ones go. */
function* summarize(state: ExecutionState): Generator<AppliedEvent, void, undefined> {
  const head = { executionId: state.executionId, timestamp: '' }
  // Only this state is left of the times; the process has not changed, which is what they are needed for.
  for (const {
    taskId,
    tool = '',
    layer,
    attempts: attempt,
    itemCount,
    result,
    parentId,
    index,
  } of state.tasks.values()) {
    // The children of a parent that has ended decide nothing more.
    if (parentId !== undefined && hasEndedAncestor(state, parentId)) continue
    if (parentId !== undefined) {
      const added: AddedTask = { taskId, tool, layer, dependsOn: [], ...(index !== undefined && { index }) }
      yield { type: 'tasks_added', data: { ...head, parentId, tasks: [added], totalTasks: 0 } }
    }
    if (attempt === 0) yield* summarizeInputs(state, taskId, head)
    const items = itemCount === undefined ? {} : { itemCount }
    if (result !== undefined) yield { type: 'task_complete', data: { ...head, ...result } }
    else if (attempt > 0) {
      yield { type: 'task_start', data: { ...head, taskId, tool, layer, attempt, ...items } }
      yield* summarizeInputs(state, taskId, head)
    }
  }
  const { stopping, parked, isHandedOff } = state
  if (stopping !== undefined) yield { type: 'execution_stopping', data: { ...head, ...stopping } }
  if (parked !== undefined) yield { type: 'execution_parked', data: { ...head, ...parked } }
  if (isHandedOff) yield { type: 'execution_handed_off', data: head }
}
