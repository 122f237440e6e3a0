import type { ExecutionState } from '../../events/execution-state.ts'
import type { DAGStructure, DAGTask, RecordedWorkflow } from '../../workflow/document.ts'
import { readDefinition } from './recorded-growth.ts'

/**
 * The whole document of an execution: the recorded one, without the tasks that were removed, and with those that joined it.
 * The document itself if it has not changed.
 * @param state the fold of the execution's log
 */
export function describeDocument(document: RecordedWorkflow, state: ExecutionState): RecordedWorkflow {
  const joined: DAGTask[] = []
  for (const { definition } of state.tasks.values()) {
    if (definition !== undefined) joined.push(readDefinition(definition) as DAGTask)
  }
  const isPresent = ({ id }: { readonly id: string }): boolean => {
    const task = state.tasks.get(id)
    return task !== undefined && task.definition === undefined
  }
  // Before its start, the log knows no task.
  const kept = state.status === 'pending' ? document.tasks : document.tasks.filter(isPresent)
  if (joined.length === 0 && kept.length === document.tasks.length) return document
  const workflows = { ...document.workflows, ...(state.addedWorkflows as Record<string, DAGStructure> | undefined) }
  return {
    ...document,
    tasks: [...kept, ...joined],
    ...(Object.keys(workflows).length > 0 && { workflows }),
  }
}
