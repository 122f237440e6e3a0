import { formatPointer, quoteName } from '../tools/json-pointer.ts'
import type { ToolRegistry } from '../tools/registry.ts'
import { type CheckContext, TaskChecker } from './check-task.ts'
import type { CheckedDocument, CheckedTask, WorkflowLookup } from './checked-document.ts'
import { MAX_ARGUMENT_VALUES } from './compile-template.ts'
import { LIMITS } from './document.ts'
import type { IssueList } from './issues.ts'
import type { ReadDocument } from './read-document.ts'
import { recordedSchema, workflowSchema } from './schema.ts'
import type { ShapeReader } from './shape/shape-scalars.ts'
import { compileShape } from './shape.ts'
import { findClashes } from './words/task-tree.ts'
import type { TaskIndex } from './task-index.ts'
import { compileInputSchema, type InputReference } from './workflow-input.ts'

/** Reads the shape of a document. @param isRecorded as in `checkDocument` */
export function readShape(document: unknown, issues: IssueList, isRecorded: boolean): ReadDocument | undefined {
  return (isRecorded ? readRecorded : readDocument)(document, { issues, path: [] }) as ReadDocument | undefined
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
  workflows?: WorkflowLookup,
): CheckedDocument {
  const read = readShape(document, issues, isRecorded)
  const valuesLeft = MAX_ARGUMENT_VALUES
  return checkRead(read ?? {}, { tools, workflows, issues, isRecorded, path: [], depth: 0, valuesLeft })
}

/** Checks a document, at the context's path, that has passed its shape check. */
export function checkRead(document: ReadDocument, context: CheckContext): CheckedDocument {
  const { issues, path } = context
  const { name, tasks = [], finally: last = [], finallyTimeoutMs, inputSchema, output } = document
  const pointer = formatPointer(path)
  const checker = new TaskChecker(document, context, nested => checkRead(nested, context))
  path.push('inputSchema')
  const inputCheck = inputSchema && compileInputSchema(inputSchema, context)
  path.pop()
  if (tasks.length + last.length > LIMITS.maxTasks) {
    const most = LIMITS.maxTasks.toLocaleString('en')
    issues.add(
      'LIMIT_EXCEEDED',
      `${pointer}/finally`,
      `Expected at most ${most} tasks, got more with those of \`finally\``,
    )
    return { tasks: [], nodes: [], mainCount: 0, pointer, nested: [], usesLanguage: false, inputReferences: [] }
  }
  for (const [index, task] of tasks.entries()) if (task !== undefined) checker.check(task, index)
  for (const [index, task] of last.entries()) if (task !== undefined) checker.check(task, tasks.length + index)
  const found = output === undefined ? undefined : checker.checkOutput(output)
  reportClashes(checker.tasks, path, checker.index, issues)
  const inputReferences: InputReference[] = []
  for (const task of checker.tasks) for (const each of task.inputReferences) inputReferences.push(each)
  for (const each of found?.references ?? []) inputReferences.push(each)
  return {
    ...(name !== undefined && { name }),
    tasks: checker.tasks,
    nodes: checker.nodes,
    mainCount: tasks.length,
    pointer,
    nested: checker.nested,
    usesLanguage: checker.index.usesLanguage,
    ...(finallyTimeoutMs !== undefined && { finallyTimeoutMs }),
    ...(found?.template !== undefined && { output: found.template }),
    ...(inputCheck && { inputCheck }),
    inputReferences,
  }
}

function reportClashes(
  tasks: readonly CheckedTask[],
  path: readonly (string | number)[],
  index: TaskIndex,
  issues: IssueList,
): void {
  for (const { task, outer, id } of findClashes(tasks)) {
    const place = formatPointer([...path, ...index.pathOf(outer.index)])
    const message = `Expected ids to be unique, ${quoteName(id)} is also the id of a task in the workflow of ${place}`
    const hint = `Ids of its tasks begin with ${quoteName(`${outer.id}/`)}: choose another id`
    issues.add('DUPLICATE_TASK_ID', formatPointer([...path, ...index.pathOf(task.index), 'id']), message, { hint })
  }
}
