import type { ExecutionState, TaskState } from '../../events/execution-state.ts'
import type { ExecutionStatus } from '../../events/events.ts'
import { JsonValue } from '../../events/json-value.ts'
import type { ExecutionPlan, PlannedTask } from '../../plan/execution-plan.ts'
import { summarizeEnds } from '../../scheduler/group-status.ts'
import { classifyEnd } from '../../scheduler/task-ends.ts'
import { resolveTemplate, type Scope } from '../../workflow/template.ts'
import { type Items, resolveItems } from '../groups/items.ts'
import { formatPlannerId } from '../growth/group-growth.ts'
import { planRecorded } from './recorded-plans.ts'

/** A task of a recorded execution: what it did, and what its references referred to. */
export interface RecordedPlace {
  readonly definition: PlannedTask
  readonly scope: Scope
}

/**
 * Finds out from its state alone what the tasks of a recorded execution referred to, so that it works for any log, also one
 * whose first events are gone. The status of a whole workflow is the one that its `finally` tasks saw.
 */
export class RecordedScopes {
  readonly #state: ExecutionState
  readonly #root: { readonly plan: ExecutionPlan; readonly scope: Scope }
  readonly #tasksById = new WeakMap<ExecutionPlan, ReadonlyMap<string, PlannedTask>>()
  /** Of parents, by id. */
  readonly #places = new Map<string, RecordedPlace | undefined>()
  readonly #scopes = new Map<string, Scope>()
  #plannedById: ReadonlyMap<string, PlannedTask> | undefined
  readonly #items = new Map<string, Items>()
  readonly #findOutput: (taskId: string) => JsonValue | undefined

  /** @param findOutput finds the output of a successful task that the state only refers to */
  constructor(
    plan: ExecutionPlan,
    input: JsonValue | undefined,
    state: ExecutionState,
    findOutput: (taskId: string) => JsonValue | undefined = () => undefined,
  ) {
    this.#state = state
    this.#findOutput = findOutput
    this.#root = { plan, scope: this.#createScope('', input, plan) }
  }

  /** @returns `undefined` for a task that the recorded document does not describe. @throws as `resolveTemplate` does */
  find({ taskId, parentId, index }: TaskState): RecordedPlace | undefined {
    if (parentId === undefined) {
      const { plan, scope } = this.#root
      return toPlace(this.#taskOf(plan, taskId), scope)
    }
    const parent = this.#findParent(parentId)
    const group = parent?.definition.group
    if (parent === undefined) return undefined
    // The log tells it, also where the tool is not at hand.
    if (this.#state.tasks.get(parentId)?.eager !== undefined) {
      if (!isPlannerId(taskId, parentId)) return toPlace(this.#planned.get(taskId), this.#scopeOfPlan(parentId))
      return toPlace(group?.kind === 'plan' ? group.body : parent.definition, parent.scope)
    }
    if (group === undefined || group.kind === 'plan') return undefined
    if (group.kind === 'workflow') {
      const task = this.#taskOf(group.plan, taskId.slice(parentId.length + 1))
      return toPlace(task, this.#scopeOf(parentId, parent, group.plan))
    }
    const own = { ...parent.scope, index: index ?? 0 }
    if (group.kind === 'forEach') {
      let items = this.#items.get(parentId)
      if (items === undefined) this.#items.set(parentId, (items = resolveItems(group.items, parent.scope)))
      return toPlace(group.body, { ...own, item: items.at(own.index) })
    }
    const previous = own.index === 0 ? undefined : this.#outputOf(`${parentId}[${own.index - 1}]`)
    return toPlace(group.body, { ...own, previous })
  }

  #findParent(parentId: string): RecordedPlace | undefined {
    if (!this.#places.has(parentId)) {
      const state = this.#state.tasks.get(parentId)
      this.#places.set(parentId, state && this.find(state))
    }
    return this.#places.get(parentId)
  }

  /** What the tasks of a nested workflow refer to. */
  #scopeOf(parentId: string, { definition, scope }: RecordedPlace, plan: ExecutionPlan): Scope {
    let own = this.#scopes.get(parentId)
    if (own === undefined) {
      const input = JsonValue.from(resolveTemplate(definition.arguments, scope).value)
      own = this.#createScope(`${parentId}/`, input, plan)
      this.#scopes.set(parentId, own)
    }
    return own
  }

  /** What planned tasks refer to: each other. */
  #scopeOfPlan(parentId: string): Scope {
    let own = this.#scopes.get(parentId)
    if (own === undefined) {
      own = this.#createScope(`${parentId}/`, undefined, this.#root.plan)
      this.#scopes.set(parentId, own)
    }
    return own
  }

  /** Planned on first use: most executions have no planner. */
  get #planned(): ReadonlyMap<string, PlannedTask> {
    return (this.#plannedById ??= planRecorded(this.#state))
  }

  #taskOf(plan: ExecutionPlan, id: string): PlannedTask | undefined {
    let tasks = this.#tasksById.get(plan)
    if (tasks === undefined) {
      tasks = new Map(plan.tasks.map(task => [task.id, task]))
      this.#tasksById.set(plan, tasks)
    }
    return tasks.get(id)
  }

  #createScope(prefix: string, input: JsonValue | undefined, plan: ExecutionPlan): Scope {
    const { tasks } = this.#state
    return {
      input,
      output: id => this.#outputOf(prefix + id),
      status: id => JsonValue.from(id === undefined ? this.#statusOf(prefix, plan) : tasks.get(prefix + id)?.status),
      error: id => {
        const result = tasks.get(prefix + id)?.result
        if (result === undefined || result.status === 'success') return JsonValue.null
        return JsonValue.from({ code: result.code, message: result.error })
      },
    }
  }

  /** The status of a workflow by the ends of its tasks but for those of `finally`. */
  #statusOf(prefix: string, { tasks, mainCount }: ExecutionPlan): ExecutionStatus {
    const ends = tasks.slice(0, mainCount).flatMap(({ id }) => {
      const result = this.#state.tasks.get(prefix + id)?.result
      return result === undefined ? [] : [classifyEnd(result)]
    })
    return summarizeEnds(ends, prefix === '' && this.#state.stopping?.reason !== undefined)
  }

  /** A tolerated failure has the default of its task. */
  #outputOf(taskId: string): JsonValue | undefined {
    const task = this.#state.tasks.get(taskId)
    const result = task?.result
    if (result?.status === 'success') {
      return result.output instanceof JsonValue ? result.output : this.#findOutput(taskId)
    }
    if (task === undefined || result?.optional !== true) return undefined
    return this.find(task)?.definition.optional?.default
  }
}

function isPlannerId(taskId: string, parentId: string): boolean {
  return taskId === formatPlannerId(parentId)
}

function toPlace(definition: PlannedTask | undefined, scope: Scope): RecordedPlace | undefined {
  return definition && { definition, scope }
}
