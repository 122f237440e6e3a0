import type { JsonValue } from '../events/json-value.ts'
import type { CheckedTask } from '../workflow/checked-document.ts'
import type { WorkflowIssue } from '../workflow/document.ts'
import { type CheckedGrowth, GrowingDocument, type GrowthContext } from '../workflow/growing-document.ts'
import type { IssueList } from '../workflow/issues.ts'
import { checkInput } from '../workflow/workflow-input.ts'
import { planTask } from './build-plan.ts'
import { checkCycles } from './check-workflow.ts'
import { ExecutionPlan, type PlannedTask } from './execution-plan.ts'

/** A task that joins an execution, as its plan. */
export interface GrownTask {
  readonly planned: PlannedTask
  /** Ids of its dependencies, listed or referred to. */
  readonly dependsOn: readonly string[]
  /** Ids of those that it refers to. */
  readonly reads: readonly string[]
  /** Whether it is more than one call of one tool, after the success of its dependencies. */
  readonly usesWords: boolean
  /** Whether every tool that it may call is read-only. */
  readonly isReadOnly: boolean
}

/** Finds the plan of a task that was accepted, by its id within its document or plan. */
export interface GrownTasks {
  find(taskId: string): GrownTask | undefined
}

/**
 * The tasks that are added to an execution, one at a time. Each passes the checks of a document and depends on earlier tasks
 * only, so that a cycle is impossible. A task costs as much as it is large, whatever the size of the plan.
 */
export class GrowingPlan implements GrownTasks {
  readonly #document: GrowingDocument
  readonly #input: JsonValue | undefined
  readonly #layers = new Map<string, number>()
  readonly #grown = new Map<string, GrownTask>()

  /** @param plan that of the execution */
  constructor(plan: ExecutionPlan, input: JsonValue | undefined, context: GrowthContext) {
    const { tasks, mainCount } = plan
    this.#input = input
    this.#document = new GrowingDocument(context, new Set(tasks.slice(mainCount).map(({ id }) => id)))
    for (let index = 0; index < mainCount; index++) {
      const { id, layer } = tasks[index] as PlannedTask
      this.#document.addKnown(id)
      this.#layers.set(id, layer)
    }
  }

  /** Exchanges the tools and workflows that later tasks may name. */
  use(context: GrowthContext): void {
    this.#document.use(context)
  }

  /**
   * Accepts a task. Reads any value, and never throws because of it.
   * @returns its issues if it is refused: nothing has changed then
   */
  add(definition: unknown): GrownTask | readonly WorkflowIssue[] {
    const checked = this.#document.check(definition, (growth, issues) => this.#examine(growth, issues))
    if (!('task' in checked)) return checked
    const { task } = checked
    const dependsOn = task.dependencies.map(index => this.#document.idAt(index))
    const layer = dependsOn.reduce((most, id) => Math.max(most, (this.#layers.get(id) ?? 0) + 1), 0)
    const planned = planTask(task, layer)
    const reads = (task.reads ?? []).map(index => this.#document.idAt(index))
    const grown = Object.freeze({
      planned,
      dependsOn,
      reads,
      usesWords: task.words !== undefined || task.tool.isPlanner,
      isReadOnly: isReadOnly(planned),
    })
    this.#document.add(task)
    this.#layers.set(task.id, layer)
    this.#grown.set(task.id, grown)
    return grown
  }

  /** Removes a task, of the plan or added: its id is free again. */
  remove(taskId: string): void {
    this.#document.remove(taskId)
    this.#layers.delete(taskId)
    this.#grown.delete(taskId)
  }

  has(taskId: string): boolean {
    return this.#document.has(taskId)
  }

  find(taskId: string): GrownTask | undefined {
    return this.#grown.get(taskId)
  }

  #examine({ task, nested }: CheckedGrowth, issues: IssueList): void {
    const needs: Pick<CheckedTask, 'inputReferences'> = task
    checkInput({ inputReferences: needs.inputReferences }, this.#input, issues)
    for (const each of nested) checkCycles(each, issues)
  }
}

/** Whether every tool that a task may call is read-only: those of its items, rounds and nested workflows, too. */
export function isReadOnly({ group, tool }: PlannedTask): boolean {
  if (group === undefined) return tool.tool.readOnly === true
  // Nobody knows what it will plan.
  if (group.kind === 'plan') return false
  if (group.kind !== 'workflow') return isReadOnly(group.body)
  let known = readOnlyPlans.get(group.plan)
  if (known === undefined) {
    known = Array.from(group.plan.tools.values()).every(each => each.tool.readOnly === true && !each.isPlanner)
    readOnlyPlans.set(group.plan, known)
  }
  return known
}

/** A registered workflow may be named by many tasks. */
const readOnlyPlans = new WeakMap<ExecutionPlan, boolean>()
