import { DagstreamError, expectObject, invalidOption } from '../../errors.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import type { JsonValue } from '../../events/json-value.ts'
import { checkWorkflow } from '../../plan/check-workflow.ts'
import type { ExecutionPlan } from '../../plan/execution-plan.ts'
import type { GrowingPlan } from '../../plan/growing-plan.ts'
import { invalidWorkflow } from '../../plan/invalid-workflow.ts'
import { WorkflowRegistry } from '../../plan/workflow-registry.ts'
import { PHASE } from '../../scheduler/task-columns.ts'
import type { TaskTable } from '../../scheduler/task-table.ts'
import { quoteName } from '../../tools/json-pointer.ts'
import type { CheckedDocument, WorkflowLookup } from '../../workflow/checked-document.ts'
import type { DAGTask, DAGWorkflowTask } from '../../workflow/document.ts'
import { IssueList } from '../../workflow/issues.ts'
import { describeDocument } from './describe-document.ts'
import type { GrowthSources } from './growth-sources.ts'

type Task = DAGTask | DAGWorkflowTask

/** A change of the document of a running execution: all of it, or nothing. */
export interface PlanPatch {
  /** Tasks that join the document, in any order. */
  readonly add?: readonly Task[]
  /** Ids of tasks that leave it. */
  readonly remove?: readonly string[]
  /** Tasks in place of those with the same ids. */
  readonly replace?: readonly Task[]
}

interface PatchParts extends GrowthSources {
  readonly table: TaskTable
  readonly plan: ExecutionPlan
  readonly input: JsonValue | undefined
  readonly state: ExecutionState
}

/** The tasks that leave the document, and those that join it, each behind its dependencies. */
export interface PreparedPatch {
  readonly removed: readonly string[]
  readonly tasks: readonly Task[]
}

/** @throws `INVALID_OPTION` for a patch of another shape */
export function expectPatch(patch: PlanPatch): Required<PlanPatch> {
  const { add = [], remove = [], replace = [], ...unknown } = expectObject('patch', patch)
  for (const [name, value] of Object.entries(unknown))
    throw invalidOption(name, 'absent: it is not part of a patch', value)
  for (const [name, list] of Object.entries({ add, remove, replace })) {
    if (!Array.isArray(list)) throw invalidOption(name, 'an array', list)
  }
  return { add, remove, replace }
}

/**
 * Checks a patch against the document that would result. Changes nothing.
 * @throws `PLAN_CONFLICT` for tasks that have started or do not exist; `INVALID_WORKFLOW` with every issue, whose pointers lead
 * into the patch, or into the document that would result
 */
export function preparePatch({ add, remove, replace }: Required<PlanPatch>, parts: PatchParts): PreparedPatch {
  const removed = [...new Set([...remove, ...replace.map(task => String(task?.id))])]
  for (const taskId of removed) expectUnstarted(taskId, parts.table)
  const { plan, state, tools, input } = parts
  const whole = describeDocument(plan.describeRecorded(), state)
  const { workflows, ...document } = whole
  const gone = new Set(removed)
  const kept = document.tasks.filter(({ id }) => !gone.has(id))
  const tasks = [...add, ...replace]
  const issues = new IssueList()
  const known = new WorkflowRegistry(workflows ?? {}, tools, { isRecorded: true }).lookup(tools)
  const lookup = joinLookups(parts.workflows?.lookup(tools), known)
  const changed = { ...document, tasks: [...kept, ...tasks] }
  const checked = checkWorkflow(changed, tools, issues, { hasInput: true, input, workflows: lookup })
  if (checked === undefined) throw locate(issues, kept.length, add.length)
  const order = orderTasks(checked, kept.length, kept.length + tasks.length)
  expectLayers(checked, order, parts)
  return { removed, tasks: order.map(index => tasks[index - kept.length] as Task) }
}

/** Adds a prepared patch to the growing plan. */
export function growBy(growing: GrowingPlan, { removed, tasks }: PreparedPatch): ReturnType<GrowingPlan['add']>[] {
  for (const taskId of removed) growing.remove(taskId)
  return tasks.map(task => growing.add(task))
}

function expectUnstarted(taskId: string, { graph, columns }: TaskTable): void {
  const task = graph.indexOf(taskId)
  const name = quoteName(taskId)
  if (task === undefined) throw conflict(taskId, `There is no task ${name} to remove or replace`)
  if (graph.groupOf(task).outer !== undefined) {
    throw conflict(taskId, `${name} belongs to task ${quoteName(graph.idOf(graph.groupOf(task).parent))}: patch that`)
  }
  if (graph.root.isFinally(task)) throw conflict(taskId, `${name} is a \`finally\` task, which cannot be patched`)
  const phase = columns.phase[task]
  if ((phase === PHASE.blocked || phase === PHASE.ready) && columns.attempts[task] === 0) return
  throw conflict(taskId, `Task ${name} has started or ended`)
}

function conflict(taskId: string, message: string): DagstreamError {
  return new DagstreamError('PLAN_CONFLICT', message, { details: { taskId } })
}

/** The indices from `from` on, each behind those that it depends on. */
function orderTasks({ tasks }: CheckedDocument, from: number, to: number): number[] {
  const order: number[] = []
  const seen = new Set<number>()
  for (let first = from; first < to; first++) {
    const open = [first]
    for (let index = open.at(-1); index !== undefined; index = open.at(-1)) {
      const missing = (tasks[index]?.dependencies ?? []).filter(each => each >= from && each < to && !seen.has(each))
      if (seen.has(index) || missing.length === 0) {
        open.pop()
        if (!seen.has(index)) order.push(index)
        seen.add(index)
      } else open.push(...missing)
    }
  }
  return order
}

/** Under `layers`, a replaced task must not come later than before: its dependents would wait for ever. */
function expectLayers({ tasks }: CheckedDocument, order: readonly number[], { table, state }: PatchParts): void {
  if (state.schedule !== 'layers') return
  const layers = new Map<string, number>()
  for (const index of order) {
    const { id, dependencies } = tasks[index] as CheckedDocument['tasks'][number]
    const layerOf = (dependency: number): number => {
      const { id: other } = tasks[dependency] as CheckedDocument['tasks'][number]
      return layers.get(other) ?? table.graph.layerOf(table.graph.indexOf(other) as number)
    }
    const layer = dependencies.reduce((most, each) => Math.max(most, layerOf(each) + 1), 0)
    const before = table.graph.indexOf(id)
    if (before !== undefined && layer > table.graph.layerOf(before)) {
      throw conflict(id, `Under \`layers\`, task ${quoteName(id)} cannot be replaced by one of a later layer`)
    }
    layers.set(id, layer)
  }
}

function joinLookups(first: WorkflowLookup | undefined, second: WorkflowLookup): WorkflowLookup {
  if (first === undefined) return second
  return { names: () => first.names(), find: name => first.find(name) ?? second.find(name) }
}

/** Pointers to added tasks become those into the patch. */
function locate(issues: IssueList, keptCount: number, addCount: number): DagstreamError {
  const located = new IssueList()
  for (const { code, pointer, message, ...extra } of issues.issues) {
    const [, index = '', rest = ''] = /^\/tasks\/(\d+)(.*)$/s.exec(pointer) ?? []
    const at = Number(index) - keptCount
    const place = at < addCount ? `/add/${at}` : `/replace/${at - addCount}`
    located.add(code, index === '' || at < 0 ? pointer : place + rest, message, extra)
  }
  return invalidWorkflow(located)
}
