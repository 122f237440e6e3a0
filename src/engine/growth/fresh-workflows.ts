import type { WorkflowRegistry } from '../../plan/workflow-registry.ts'
import type { DAGStructure } from '../../workflow/document.ts'

/** The registered workflows that tasks name, at any depth, which the log does not have yet. @param recorded gets their names */
export function takeFreshWorkflows(
  workflows: WorkflowRegistry | undefined,
  tasks: readonly unknown[],
  recorded: Set<string>,
): Readonly<Record<string, unknown>> | undefined {
  const named = workflows?.record({ tasks } as unknown as DAGStructure).workflows
  const fresh = Object.entries(named ?? {}).filter(([name]) => !recorded.has(name))
  for (const [name] of fresh) recorded.add(name)
  return fresh.length === 0 ? undefined : Object.fromEntries(fresh)
}
