import type { JsonValue } from '../events/json-value.ts'
import type { ToolRegistry } from '../tools/registry.ts'
import { type CheckedTask, type InputReference, type ReadTask, TaskChecker, type TaskNode } from './check-task.ts'
import type { IssueList } from './issues.ts'
import { recordedSchema, workflowSchema } from './schema.ts'
import { compileShape, type ShapeReader } from './shape.ts'
import { explainMissing } from './template.ts'

/** What is known of a document after its checks. */
export interface CheckedDocument {
  readonly name?: string
  /** In document order; every task, without fault, if no issue was added, else those that could be made. */
  readonly tasks: readonly CheckedTask[]
  /** Every task whose id can be told, faulty or not, in document order: enough to look for cycles. */
  readonly nodes: readonly TaskNode[]
}

/** Compiled by their first use: that takes as long as loading a tenth of the library. */
const readers: { document?: ShapeReader; recorded?: ShapeReader } = {}
const readDocument: ShapeReader = (value, walk) => (readers.document ??= compileShape(workflowSchema))(value, walk)
const readRecorded: ShapeReader = (value, walk) => (readers.recorded ??= compileShape(recordedSchema))(value, walk)

/**
 * Checks everything about a document but its cycles and its input, and adds what is wrong with it to `issues`.
 *
 * Takes any value and never throws because of it. Reads each member once; linear in the size of the document.
 * @param isRecorded whether an earlier version may have accepted it
 */
export function checkDocument(
  document: unknown,
  tools: ToolRegistry,
  issues: IssueList,
  isRecorded = false,
): CheckedDocument {
  const read = (isRecorded ? readRecorded : readDocument)(document, { issues, path: [] }) as ReadDocument | undefined
  const readTasks = read?.tasks ?? []
  const checker = new TaskChecker(readTasks, tools, issues, isRecorded)
  for (const [index, task] of readTasks.entries()) if (task !== undefined) checker.check(task, index)
  const { tasks, nodes } = checker
  return { ...(read?.name !== undefined && { name: read.name }), tasks, nodes }
}

/** Adds an `UNKNOWN_REFERENCE` for every reference to a place that the input does not have. */
export function checkInput(
  inputReferences: readonly InputReference[],
  input: JsonValue | undefined,
  issues: IssueList,
): void {
  for (const { reference, pointer, behind } of inputReferences) {
    const found = explainMissing(reference, input, behind)
    if (found === undefined) continue
    const { missing, hint } = found
    if (issues.isFull) issues.skip()
    else issues.add('UNKNOWN_REFERENCE', pointer, missing, hint === undefined ? {} : { hint })
  }
}

/** A document as its shape was read; what was faulty is absent. */
interface ReadDocument {
  readonly name?: string
  readonly tasks?: readonly (ReadTask | undefined)[]
}
