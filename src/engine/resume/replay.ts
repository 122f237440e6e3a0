import type { AddedTask } from '../../events/events.ts'
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

/** Events that reproduce a state, for a memory store that has evicted the first entries. */
function* summarize(state: ExecutionState): Generator<AppliedEvent, void, undefined> {
  const head = { executionId: state.executionId, timestamp: '' }
  // Times are only those of the state. They matter after a change of process, which a memory store does not survive.
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
    // The children of an ended parent affect no further decision.
    if (parentId !== undefined && hasEndedAncestor(state, parentId)) continue
    if (parentId !== undefined) {
      const added: AddedTask = { taskId, tool, layer, dependsOn: [], ...(index !== undefined && { index }) }
      yield { type: 'tasks_added', data: { ...head, parentId, tasks: [added], totalTasks: 0 } }
    }
    const items = itemCount === undefined ? {} : { itemCount }
    if (result !== undefined) yield { type: 'task_complete', data: { ...head, ...result } }
    else if (attempt > 0) yield { type: 'task_start', data: { ...head, taskId, tool, layer, attempt, ...items } }
  }
  const { stopping, parked, isHandedOff } = state
  if (stopping !== undefined) yield { type: 'execution_stopping', data: { ...head, ...stopping } }
  if (parked !== undefined) yield { type: 'execution_parked', data: { ...head, ...parked } }
  if (isHandedOff) yield { type: 'execution_handed_off', data: head }
}
