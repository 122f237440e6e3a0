import type { WorkflowRegistry } from '../../plan/workflow-registry.ts'
import { quoteName } from '../../tools/json-pointer.ts'
import { Suggestions } from '../../tools/suggestion.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import { notFound } from '../answers/problem.ts'

/** A registered workflow. @throws HttpProblem 404, with the closest name */
export function findWorkflow(workflows: WorkflowRegistry | undefined, name: string): DAGStructure {
  const document = workflows?.get(name)
  if (document !== undefined) return document
  const hint = new Suggestions(workflows?.names() ?? [], 'workflows').hintFor(name)
  throw notFound(`There is no workflow ${quoteName(name)}. ${hint}`, 'WORKFLOW_NOT_FOUND')
}
