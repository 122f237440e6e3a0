import type { ExecutionState } from '../../events/execution-state.ts'
import type { DAGStructure, DAGTask, RecordedWorkflow } from '../../workflow/document.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import type { ExecutionRecord } from '../../store/execution-store.ts'
import { parseWorkflow } from '../resume/recorded-execution.ts'
import { readDefinition } from './recorded-growth.ts'

/**
 * The whole document of an execution: the recorded one, without the tasks that were removed, and with those that joined it.
 * The document itself if it has not changed.
 * @param state the fold of the execution's log
 */
export function describeDocument(document: RecordedWorkflow, state: ExecutionState): RecordedWorkflow {
  const joined: DAGTask[] = []
  for (const { definition, parentId } of state.tasks.values()) {
    if (definition !== undefined && parentId === undefined) joined.push(readDefinition(definition) as DAGTask)
  }
  const { removedTaskIds } = state
  const kept =
    removedTaskIds === undefined ? document.tasks : document.tasks.filter(({ id }) => !removedTaskIds.has(id))
  if (joined.length === 0 && kept === document.tasks) return document
  const workflows = { ...document.workflows, ...(state.addedWorkflows as Record<string, DAGStructure> | undefined) }
  return {
    ...document,
    tasks: [...kept, ...joined],
    ...(Object.keys(workflows).length > 0 && { workflows }),
  }
}

/**
 * The record of an execution with its whole document. The record itself if the document has not changed.
 * @param state the fold of the execution's log
 * @throws `RECORD_UNUSABLE`
 */
export function describeRecord(record: ExecutionRecord, state: ExecutionState): ExecutionRecord {
  const hasJoined = Array.from(state.tasks.values()).some(
    ({ definition, parentId }) => definition !== undefined && parentId === undefined,
  )
  if (record.workflow === undefined || (!hasJoined && state.removedTaskIds === undefined)) return record
  return { ...record, workflow: stringifyJson(describeDocument(parseWorkflow(record.workflow), state)) }
}
