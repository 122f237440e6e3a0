import type { JsonValue } from '../events/json-value.ts'
import { quoteName } from '../tools/json-pointer.ts'
import type { ToolRegistry } from '../tools/registry.ts'
import { checkDocument, checkInput } from '../workflow/check-document.ts'
import type { CheckedTask } from '../workflow/check-task.ts'
import type { IssueList } from '../workflow/issues.ts'
import { findCycles } from './cycles.ts'

/** A workflow that has passed every check: what a plan is built from. */
export interface CheckedWorkflow {
  readonly name: string | undefined
  /** In document order; their dependencies form no cycle. */
  readonly tasks: readonly CheckedTask[]
}

/**
 * Checks everything that can refuse a workflow: its shape, its tasks, its input and its cycles. Adds every problem to
 * `issues`. Linear, without a graph.
 * @param given absent outside of an execution: references into the input are not checked
 * @returns `undefined` if there is a problem
 */
export function checkWorkflow(
  document: unknown,
  tools: ToolRegistry,
  issues: IssueList,
  given?: { readonly input: JsonValue | undefined; readonly isRecorded: boolean },
): CheckedWorkflow | undefined {
  const { name, tasks, nodes } = checkDocument(document, tools, issues, given?.isRecorded)
  if (given !== undefined) for (const task of tasks) checkInput(task.inputReferences, given.input, issues)
  // Issues leave gaps. The lists keep the document's indices, so that cycles are found and reported as well.
  const size = (nodes.at(-1)?.index ?? -1) + 1
  const dependencies = new Array<readonly number[]>(size).fill([])
  const ids = new Array<string>(size).fill('')
  for (const node of nodes) {
    dependencies[node.index] = node.dependencies
    ids[node.index] = node.id
  }
  reportCycles(dependencies, ids, issues)
  return issues.count > 0 ? undefined : { name, tasks }
}

function reportCycles(dependencies: readonly (readonly number[])[], ids: readonly string[], issues: IssueList): void {
  for (const cycle of findCycles(dependencies, ids)) {
    const path = cycle.map(task => ids[task] as string)
    const shown = path.length <= 9 ? path : [...path.slice(0, 4), '…', ...path.slice(-4)]
    const message = `Expected no task to depend on itself in the end, found ${shown.map(quoteName).join(' → ')}`
    issues.add('CYCLE', `/tasks/${cycle[0]}`, message, { path, hint: 'Remove one of these dependencies' })
  }
}
