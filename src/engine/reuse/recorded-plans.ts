import type { ExecutionState } from '../../events/execution-state.ts'
import type { PlannedTask } from '../../plan/execution-plan.ts'
import { WorkflowRegistry } from '../../plan/workflow-registry.ts'
import { ToolRegistry } from '../../tools/registry.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import { collectNames } from '../../workflow/tool-names.ts'
import { createGrowing } from '../growth/group-growth.ts'
import { readDefinition } from '../growth/recorded-growth.ts'
import { withPlaceholders } from '../resume/recorded-execution.ts'

/** The tasks that the planners of a recorded execution added, by their ids. No tool is needed for it. */
export function planRecorded({ tasks, addedWorkflows = {} }: ExecutionState): ReadonlyMap<string, PlannedTask> {
  const planned = new Map<string, PlannedTask>()
  const parents = new Map<string, { readonly taskId: string; readonly definition: unknown }[]>()
  for (const { taskId, parentId, definition } of tasks.values()) {
    if (definition === undefined || parentId === undefined) continue
    const siblings = parents.get(parentId)
    const child = { taskId, definition: readDefinition(definition) }
    if (siblings === undefined) parents.set(parentId, [child])
    else siblings.push(child)
  }
  const workflows = addedWorkflows as Record<string, DAGStructure>
  for (const children of parents.values()) {
    const { tools: names } = collectNames({ tasks: children.map(({ definition }) => definition), workflows })
    const tools = withPlaceholders(new ToolRegistry(), names)
    const lookup = new WorkflowRegistry(workflows, tools, { isRecorded: true }).lookup(tools)
    const growing = createGrowing({ tools, workflows: lookup, isRecorded: true })
    for (const { taskId, definition } of children) {
      const grown = growing.add(definition)
      if ('planned' in grown) planned.set(taskId, grown.planned)
    }
  }
  return planned
}
