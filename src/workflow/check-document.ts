import type { JsonValue } from '../events/json-value.ts'
import type { ToolRegistry } from '../tools/registry.ts'
import { type CheckedTask, type InputReference, type ReadTask, TaskChecker, type TaskNode } from './check-task.ts'
import type { IssueList } from './issues.ts'
import { recordedSchema, workflowSchema } from './schema.ts'
import type { ShapeReader } from './shape-scalars.ts'
import { compileShape } from './shape.ts'
import { explainMissing } from './follow-path.ts'

/** The result of the checks of a document. */
export interface CheckedDocument {
  readonly name?: string
  /** In document order: all tasks if no issue was added, otherwise only the valid ones. */
  readonly tasks: readonly CheckedTask[]
  /** Every task with a usable id, valid or not, in document order: sufficient to find cycles. */
  readonly nodes: readonly TaskNode[]
}

/** Compiled on first use, because compiling takes as long as loading a tenth of the library. */
const readers: { document?: ShapeReader; recorded?: ShapeReader } = {}
const readDocument: ShapeReader = (value, walk) => (readers.document ??= compileShape(workflowSchema))(value, walk)
const readRecorded: ShapeReader = (value, walk) => (readers.recorded ??= compileShape(recordedSchema))(value, walk)

/**
 * Checks a document, except its cycles and its input, and adds every problem to `issues`.
 *
 * Accepts any value and never throws because of it. Reads each member once; linear in the size of the document.
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

/** Adds an `UNKNOWN_REFERENCE` for every reference to a path that is missing from the input. */
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

/** A document after its shape check; invalid fields are absent. */
interface ReadDocument {
  readonly name?: string
  readonly tasks?: readonly (ReadTask | undefined)[]
}
