import { DagstreamError } from '../../errors.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import { JsonValue } from '../../events/json-value.ts'
import { checkWorkflow } from '../../plan/check-workflow.ts'
import type { ExecutionPlan } from '../../plan/execution-plan.ts'
import type { GrowingPlan, GrownTask } from '../../plan/growing-plan.ts'
import { PHASE } from '../../scheduler/task-columns.ts'
import type { TaskTable } from '../../scheduler/task-table.ts'
import { quoteName } from '../../tools/json-pointer.ts'
import type { ToolRegistry } from '../../tools/registry.ts'
import type { CheckedDocument, WorkflowLookup } from '../../workflow/checked-document.ts'
import { type DAGTask, type DAGWorkflowTask, LIMITS } from '../../workflow/document.ts'
import { IssueList } from '../../workflow/issues.ts'
import { describeDocument } from './describe-document.ts'
import { orderByDependencies } from './order-by-dependencies.ts'
import { invalidPatch } from './patch-issues.ts'
import type { PlanPatch } from './patch-shape.ts'
import { MAX_PLAN_BYTES } from './plan-lines.ts'

type Task = DAGTask | DAGWorkflowTask

interface PatchParts {
  readonly table: TaskTable
  readonly plan: ExecutionPlan
  readonly input: JsonValue | undefined
  readonly state: ExecutionState
  readonly tools: ToolRegistry
  /** The workflows that tasks may name. */
  readonly workflows: WorkflowLookup
  /** Number of tasks of the execution, with those that are still to come. */
  readonly taskCount: number
}

/** The tasks that leave the document, and those that join it, each behind its dependencies. */
export interface PreparedPatch {
  readonly removed: readonly string[]
  readonly tasks: readonly Task[]
}

/** Maximum number of ids that an error lists. */
const MAX_LISTED = 20

/**
 * Checks a patch against the document that would result. Changes nothing. Linear in the document.
 * @throws `PLAN_CONFLICT` for tasks that have started or do not exist; `INVALID_WORKFLOW` with every issue, whose pointers lead
 * into the patch, or, with `in: "document"`, into the document that would result
 */
export function preparePatch(patch: Required<PlanPatch>, parts: PatchParts): PreparedPatch {
  const { add, remove, replace } = patch
  const { plan, state, tools, input, workflows } = parts
  const replaced = replace.map(task => (task as Partial<Task> | null)?.id).filter(id => typeof id === 'string')
  const removed = [...new Set([...remove.filter(id => typeof id === 'string'), ...replaced])]
  expectUnstarted(removed, parts.table)
  const { workflows: _, ...document } = describeDocument(plan.describeRecorded(), state)
  const gone = new Set(removed)
  const kept = document.tasks.filter(({ id }) => !gone.has(id))
  const tasks = [...add, ...replace]
  const issues = new IssueList()
  checkRemoved(patch, issues)
  checkSize(patch, removed.length, parts, issues)
  const own = issues.drain()
  const changed = { ...document, tasks: [...kept, ...tasks] }
  const checked = checkWorkflow(changed, tools, issues, { hasInput: true, input, workflows })
  const ids = kept.map(({ id }) => id)
  if (checked === undefined || own.length > 0) throw invalidPatch(issues, ids, patch, own)
  const joining = checked.tasks.slice(kept.length, kept.length + tasks.length)
  const order = orderByDependencies(joining, ({ dependencies }) =>
    dependencies.map(each => checked.tasks[each] as CheckedDocument['tasks'][number]),
  )
  expectLayers(checked, order, parts)
  return { removed, tasks: order.map(({ index }) => tasks[index - kept.length] as Task) }
}

/** Adds a prepared patch to the growing plan. */
export function growBy(growing: GrowingPlan, { removed, tasks }: PreparedPatch): GrownTask[] {
  for (const taskId of removed) growing.remove(taskId)
  return tasks.map(task => {
    const grown = growing.add(task)
    // The check of the whole document covers that of each task.
    if (!('planned' in grown)) throw new Error(`A checked task was refused: ${JSON.stringify(grown)}`)
    return grown
  })
}

function expectUnstarted(taskIds: readonly string[], table: TaskTable): void {
  const conflicts = taskIds.flatMap(taskId => {
    const message = findConflict(taskId, table)
    return message === undefined ? [] : [{ taskId, message }]
  })
  const [first] = conflicts
  if (first === undefined) return
  const rest = conflicts.length > 1 ? ` (and ${conflicts.length - 1} more: see \`taskIds\`)` : ''
  throw conflict(
    conflicts.map(({ taskId }) => taskId),
    first.message + rest,
  )
}

/** Why a task cannot leave the document. */
function findConflict(taskId: string, { graph, columns }: TaskTable): string | undefined {
  const task = graph.indexOf(taskId)
  const name = quoteName(taskId)
  if (task === undefined) return `There is no task ${name} to remove or replace`
  const { parent, outer } = graph.groupOf(task)
  if (outer !== undefined) return `${name} belongs to task ${quoteName(graph.idOf(parent))}: patch that`
  if (graph.root.isFinally(task)) return `${name} is a \`finally\` task, which cannot be patched`
  const phase = columns.phase[task]
  if ((phase === PHASE.blocked || phase === PHASE.ready) && columns.attempts[task] === 0) return undefined
  return `Task ${name} has started or ended`
}

function conflict(taskIds: readonly string[], message: string): DagstreamError {
  const details = { taskId: taskIds[0], taskIds: taskIds.slice(0, MAX_LISTED) }
  return new DagstreamError('PLAN_CONFLICT', message, { details })
}

/** Each id once, in one of the lists. */
function checkRemoved({ remove, replace }: Required<PlanPatch>, issues: IssueList): void {
  const seen = new Set<unknown>()
  for (const [at, id] of remove.entries()) {
    if (typeof id !== 'string') issues.add('INVALID_SHAPE', `/remove/${at}`, 'Expected the id of a task')
    else if (seen.has(id))
      issues.add('DUPLICATE_TASK_ID', `/remove/${at}`, `Expected ids once, ${quoteName(id)} repeats`)
    seen.add(id)
  }
  for (const [at, task] of replace.entries()) {
    const id = (task as Partial<Task> | null)?.id
    if (typeof id !== 'string' || !seen.has(id)) continue
    const message = `Expected ${quoteName(id)} either in \`remove\` or in \`replace\`, got both`
    issues.add('DUPLICATE_TASK_ID', `/replace/${at}/id`, message)
  }
}

/** The limits of an execution, beside those of a document. Tasks that left count as long as the log has them. */
function checkSize(
  { add, replace }: Required<PlanPatch>,
  removedCount: number,
  { table: { graph }, taskCount, state }: PatchParts,
  issues: IssueList,
): void {
  const { maxExecutionTasks } = LIMITS
  const most = maxExecutionTasks.toLocaleString('en')
  const total = taskCount + add.length + replace.length - removedCount
  if (total > maxExecutionTasks) {
    issues.add('LIMIT_EXCEEDED', '/add', `Expected at most ${most} tasks in an execution, got ${total}`)
  }
  if (graph.removedCount + removedCount > maxExecutionTasks) {
    const message = `Expected at most ${most} removed or replaced tasks in an execution`
    issues.add('LIMIT_EXCEEDED', '/remove', message, { hint: 'Fork the execution' })
  }
  let bytes = JsonValue.from([add, replace]).byteLength
  for (const { definition } of state.tasks.values()) {
    if (definition !== undefined) bytes += toJsonValue(definition).byteLength
  }
  if (bytes <= MAX_PLAN_BYTES) return
  issues.add('LIMIT_EXCEEDED', '', `Expected at most ${MAX_PLAN_BYTES} bytes of tasks that join an execution`)
}

/** A definition, live or as a store has it. */
function toJsonValue(definition: unknown): JsonValue {
  return definition instanceof JsonValue ? definition : JsonValue.from(definition)
}

/** Under `layers`, a replaced task must not come later than before: its dependents would wait for ever. */
function expectLayers(
  { tasks }: CheckedDocument,
  order: readonly CheckedDocument['tasks'][number][],
  { table: { graph }, state }: PatchParts,
): void {
  if (state.schedule !== 'layers') return
  const layers = new Map<string, number>()
  for (const { id, dependencies } of order) {
    const layerOf = (dependency: number): number => {
      const { id: other } = tasks[dependency] as CheckedDocument['tasks'][number]
      return layers.get(other) ?? graph.layerOf(graph.indexOf(other) as number)
    }
    const layer = dependencies.reduce((most, each) => Math.max(most, layerOf(each) + 1), 0)
    const before = graph.indexOf(id)
    if (before !== undefined && layer > graph.layerOf(before)) {
      const message = `Under \`layers\`, task ${quoteName(id)} cannot be replaced by one of a later layer`
      throw conflict([id], `${message}: remove it and add one under another id`)
    }
    layers.set(id, layer)
  }
}
