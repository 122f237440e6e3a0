import type { ConditionValues } from '../../conditions/compiled.ts'
import type { ExecutionStatus } from '../../events/events.ts'
import { JsonValue } from '../../events/json-value.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import type { FanOut, PlannedTask } from '../../plan/execution-plan.ts'
import { computeStatus } from '../../scheduler/group-status.ts'
import type { TaskGroup } from '../../scheduler/task-group.ts'
import type { TaskTable } from '../../scheduler/task-table.ts'
import { resolveTemplate, type Scope } from '../../workflow/template.ts'
import type { EarlyEnds } from '../remote/early-ends.ts'
import { type Items, resolveItems } from './items.ts'

/**
 * The values that the references and conditions of each task can name. Everything follows from the log, or from early ends: the items
 * of a fan-out and the input of a sub-workflow are resolved again after a crash.
 */
export class Scopes {
  readonly #table: TaskTable
  readonly #state: ExecutionState
  readonly #input: JsonValue | undefined
  readonly #early: EarlyEnds
  #root: Scope | undefined
  /** Created for the first group: most executions have none. */
  #scopes: WeakMap<TaskGroup, Scope> | undefined
  /** The items of fan-outs that have not ended, by parent. */
  #items: Map<number, Items> | undefined

  constructor(table: TaskTable, state: ExecutionState, input: JsonValue | undefined, early: EarlyEnds) {
    this.#table = table
    this.#state = state
    this.#input = input
    this.#early = early
  }

  /** The values that the references of a task can name. */
  of(task: number): Scope {
    const group = this.#table.graph.groupOf(task)
    if (group.definition?.kind === 'plan') return this.#ofPlanned(group, task)
    return group.plan === undefined ? this.#ofChild(group, task) : this.ofGroup(group)
  }

  /** The values that the references of the tasks of a workflow can name. */
  ofGroup(group: TaskGroup): Scope {
    if (group.outer === undefined) return (this.#root ??= this.#createScope(group, '', this.#input))
    this.#scopes ??= new WeakMap()
    let scope = this.#scopes.get(group)
    if (scope === undefined) {
      const { graph } = this.#table
      const { arguments: template } = graph.taskAt(group.parent) as PlannedTask
      const input = JsonValue.from(resolveTemplate(template, this.of(group.parent)).value)
      scope = this.#createScope(group, `${graph.idOf(group.parent)}/`, input)
      this.#scopes.set(group, scope)
    }
    return scope
  }

  /** A planner sees what its parent sees, the tasks that it plans only each other. */
  #ofPlanned(group: TaskGroup, task: number): Scope {
    if (group.isPlanner(task)) return this.of(group.parent)
    this.#scopes ??= new WeakMap()
    let scope = this.#scopes.get(group)
    if (scope === undefined) {
      scope = this.#createScope(group, group.prefix, undefined)
      this.#scopes.set(group, scope)
    }
    return scope
  }

  /** The items of a fan-out: resolved once, and once more by a process that takes over. @throws as `resolveItems` does */
  resolveItems(parent: number, definition: FanOut): Items {
    this.#items ??= new Map()
    let items = this.#items.get(parent)
    if (items === undefined) {
      items = resolveItems(definition.items, this.of(parent))
      this.#items.set(parent, items)
    }
    return items
  }

  /** Drops the items and the input of an ended parent. */
  forget(parent: number): void {
    this.#items?.delete(parent)
    const group = this.#table.graph.groupBelow(parent)
    if (group !== undefined) this.#scopes?.delete(group)
  }

  /** The values that the condition of a task can name. */
  conditionOf(task: number): ConditionValues {
    const { input, output, status, error, item, index } = this.of(task)
    const statusSoFar = (): ExecutionStatus =>
      computeStatus(this.#table, this.#workflowOf(this.#table.graph.groupOf(task)))
    return {
      input: input?.peek(),
      output: id => output(id)?.peek() ?? null,
      status: id => status?.(id)?.peek() as string,
      error: id => error?.(id)?.peek() ?? null,
      ...(item !== undefined && { item: item.peek() }),
      ...(index !== undefined && { index }),
      execution: {
        // Computed on demand, since it reads the state of every task.
        get status() {
          return statusSoFar()
        },
      },
    }
  }

  /** The values that `until` can name after a round. */
  repetitionOf(group: TaskGroup, round: number): ConditionValues {
    const { input } = this.of(group.parent)
    return { input: input?.peek(), index: round, result: this.outputOf(group, round)?.peek() ?? null }
  }

  /** The output of a child, by its index; `undefined` for one without. */
  outputOf({ children }: TaskGroup, index: number): JsonValue | undefined {
    const child = children[index]
    return child === undefined ? undefined : this.#outputOf(this.#table.graph.idOf(child))
  }

  /** The values that the references of an item or round can name: those of its parent, and its own. */
  #ofChild(group: TaskGroup, task: number): Scope {
    const outer = this.of(group.parent)
    const index = this.#table.graph.addedTask(task)?.index ?? 0
    const { input, output, status, error } = outer
    // Hot path: written out field by field.
    if (group.definition?.kind === 'forEach') {
      return { input, output, status, error, index, item: this.resolveItems(group.parent, group.definition).at(index) }
    }
    return { input, output, status, error, index, previous: index === 0 ? undefined : this.outputOf(group, index - 1) }
  }

  #createScope(group: TaskGroup, prefix: string, input: JsonValue | undefined): Scope {
    const { tasks } = this.#state
    return {
      input,
      output: id => this.#outputOf(prefix + id),
      status: id =>
        JsonValue.from(id === undefined ? computeStatus(this.#table, group) : tasks.get(prefix + id)?.status),
      error: id => {
        const result = tasks.get(prefix + id)?.result
        if (result === undefined || result.status === 'success') return JsonValue.null
        return JsonValue.from({ code: result.code, message: result.error })
      },
    }
  }

  /** A tolerated failure yields the default of its task. */
  #outputOf(taskId: string): JsonValue | undefined {
    const early = this.#early.outputOf(taskId)
    if (early !== undefined) return early
    const result = this.#state.tasks.get(taskId)?.result
    if (result?.status === 'success') return result.output as JsonValue
    if (result?.optional !== true) return undefined
    const { graph } = this.#table
    return graph.taskAt(graph.indexOf(taskId) as number)?.optional?.default
  }

  /** The workflow that a group belongs to. */
  #workflowOf(group: TaskGroup): TaskGroup {
    let at = group
    while (at.plan === undefined && at.outer !== undefined) at = at.outer
    return at
  }
}
