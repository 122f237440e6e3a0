import type { JsonValue } from '../events/json-value.ts'
import { quoteName } from '../tools/json-pointer.ts'
import type { ToolRegistry } from '../tools/registry.ts'
import { checkDocument } from '../workflow/check-document.ts'
import type { CheckedDocument, WorkflowLookup } from '../workflow/checked-document.ts'
import type { IssueList } from '../workflow/issues.ts'
import { checkInput } from '../workflow/workflow-input.ts'
import { findCycles } from './cycles.ts'

/** The context of the checks of a document, beside the tools. */
export interface CheckOptions {
  /** Whether references into the input are checked. */
  readonly hasInput?: boolean
  readonly input?: JsonValue | undefined
  /** Whether an earlier version may have accepted the document. */
  readonly isRecorded?: boolean
  readonly workflows?: WorkflowLookup | undefined
}

/**
 * Checks everything that can refuse a workflow: its shape, its tasks, its input and its cycles. Adds every problem to
 * `issues`. Linear, without a graph.
 * @returns `undefined` if there is a problem
 */
export function checkWorkflow(
  document: unknown,
  tools: ToolRegistry,
  issues: IssueList,
  { hasInput = false, input, isRecorded = false, workflows }: CheckOptions = {},
): CheckedDocument | undefined {
  const checked = checkDocument(document, tools, issues, isRecorded, workflows)
  if (hasInput) checkInput(checked, input, issues)
  checkCycles(checked, issues)
  return issues.count > 0 ? undefined : checked
}

/** Adds an issue for each cycle of a document and of the workflows that its tasks hold. */
export function checkCycles(
  { nodes, pointer, mainCount, nested }: Pick<CheckedDocument, 'nodes' | 'pointer' | 'mainCount' | 'nested'>,
  issues: IssueList,
): void {
  // Issues leave gaps. The lists keep the document's indices, so that cycles are found and reported as well.
  const size = (nodes.at(-1)?.index ?? -1) + 1
  const dependencies = new Array<readonly number[]>(size).fill([])
  const ids = new Array<string>(size).fill('')
  for (const node of nodes) {
    dependencies[node.index] = node.dependencies
    ids[node.index] = node.id
  }
  for (const cycle of findCycles(dependencies, ids)) {
    const [first = 0] = cycle
    const path = cycle.map(task => ids[task] as string)
    const shown = path.length <= 9 ? path : [...path.slice(0, 4), '…', ...path.slice(-4)]
    const message = `Expected no cycle of dependencies, found ${shown.map(quoteName).join(' → ')}`
    const place = first < mainCount ? `/tasks/${first}` : `/finally/${first - mainCount}`
    issues.add('CYCLE', pointer + place, message, { path, hint: 'Remove one of these dependencies' })
  }
  for (const each of nested) checkCycles(each, issues)
}
