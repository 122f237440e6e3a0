import type { TaskResult } from '../../events/events.ts'
import type { ExecutionState, TaskState } from '../../events/execution-state.ts'
import type { TaskGraph } from '../../scheduler/task-graph.ts'
import type { TaskGroup } from '../../scheduler/task-group.ts'
import { resolveTemplate } from '../../workflow/template.ts'
import type { Scopes } from '../groups/scopes.ts'
import type { ReusedOutput } from '../task-events.ts'
import type { RecordedScopes } from './recorded-scopes.ts'
import type { RecordedTasks } from './recorded-tasks.ts'

/** What a fork takes its outputs from. */
export interface ForkSource {
  readonly recorded: RecordedTasks
  /** Ids of the tasks that run again whatever they did; all that depend on them follow. */
  readonly from: readonly string[]
}

/**
 * Decides which tasks of a fork are taken over. A task is, if it succeeded in the recorded execution, calls the same tool with
 * the same arguments, is not at or below a task of `from`, and if all that it depends on came to the same: was taken over, or
 * was skipped in both. It depends on its dependencies and on those of its ancestors; a round on the rounds before it, a
 * `finally` task on all other tasks of its workflow.
 *
 * All of it follows from the two logs, so that the process after a crash decides likewise.
 */
export class Takeover {
  readonly #recorded: RecordedTasks
  readonly #from: ReadonlySet<string>
  readonly #graph: TaskGraph
  readonly #state: ExecutionState
  readonly #scopes: Scopes
  /** Ids of settled tasks that came to something else, and of all their ancestors. */
  readonly #changed = new Set<string>()
  readonly #childCounts = new Map<string, number>()
  /** Whether the children of a group may be taken over, as far as its parent decides it. */
  readonly #allowed = new WeakMap<TaskGroup, boolean>()
  /** What the recorded tasks would refer to in the document of the fork. */
  #recordedScopes: RecordedScopes | undefined

  constructor({ recorded, from }: ForkSource, graph: TaskGraph, state: ExecutionState, scopes: Scopes) {
    this.#recorded = recorded
    this.#from = new Set(from)
    this.#graph = graph
    this.#state = state
    this.#scopes = scopes
    // Children stand behind their parents in the state, and have settled before them.
    for (const task of Array.from(state.tasks.values()).toReversed()) this.settled(task)
  }

  /** A task has settled; nothing happens for one that has not. */
  settled({ taskId, parentId, result, itemCount }: TaskState): void {
    if (result === undefined) return
    if (parentId !== undefined) this.#childCounts.set(parentId, (this.#childCounts.get(parentId) ?? 0) + 1)
    if (this.#changed.has(taskId) || this.#isSame(result, itemCount)) return
    for (let at: string | undefined = taskId; at !== undefined; at = this.#state.tasks.get(at)?.parentId) {
      if (this.#changed.has(at)) return
      this.#changed.add(at)
    }
  }

  /** The output that a task takes over; `undefined` for one that runs. */
  find(task: number): ReusedOutput | undefined {
    const definition = this.#graph.taskAt(task)
    const group = this.#graph.groupOf(task)
    if (definition === undefined || !this.#mayTakeOver(task, group)) return undefined
    try {
      return this.#recorded.find(this.#graph.idOf(task), definition.tool, () => {
        return resolveTemplate(definition.arguments, this.#scopes.of(task)).value
      })
    } catch {
      // Arguments that cannot be resolved fail the task when it runs.
      return undefined
    }
  }

  /**
   * Whether all tasks below a parent are likely to be taken over: its approval is not asked then. Conditions are not evaluated: a
   * task that runs all the same asks for itself.
   * @param itemCount of a fan-out
   */
  coversChildren(task: number, itemCount: number | undefined): boolean {
    const id = this.#graph.idOf(task)
    if (this.#recorded.resultOf(id)?.status !== 'success' || !this.#mayTakeOver(task, this.#graph.groupOf(task)))
      return false
    const count = this.#recorded.childCountOf(id)
    if (count === undefined || (itemCount !== undefined && itemCount !== count)) return false
    this.#recordedScopes ??= this.#recorded.scopesUnder(this.#graph.plan, this.#scopes.ofGroup(this.#graph.root).input)
    for (const { taskId } of this.#recorded.below(id)) {
      if (this.#from.has(taskId) || !this.#recorded.isSame(taskId, this.#recordedScopes)) return false
    }
    return true
  }

  /** Whether a task runs again because `from` names it, or an ancestor of it. */
  isForced(task: number): boolean {
    if (this.#from.size === 0) return false
    for (let at = task; at >= 0; at = this.#graph.groupOf(at).parent) {
      if (this.#from.has(this.#graph.idOf(at))) return true
    }
    return false
  }

  #mayTakeOver(task: number, group: TaskGroup): boolean {
    if (this.#from.has(this.#graph.idOf(task)) || !this.#dependenciesAreSame(task, group)) return false
    if (group.parent < 0) return true
    let isAllowed = this.#allowed.get(group)
    if (isAllowed === undefined) {
      isAllowed = this.#mayTakeOver(group.parent, group.outer as TaskGroup)
      this.#allowed.set(group, isAllowed)
    }
    return isAllowed
  }

  #dependenciesAreSame(task: number, { plan, base, definition, children, prefix }: TaskGroup): boolean {
    if (definition?.kind === 'plan') {
      const { dependsOn = [] } = this.#graph.grownAt(task) ?? {}
      return dependsOn.every(id => !this.#changed.has(prefix + id))
    }
    if (plan === undefined) {
      const index = this.#graph.addedTask(task)?.index ?? 0
      return definition?.kind !== 'repeat' || index === 0 || this.#isUnchanged(children[index - 1] as number)
    }
    const { dependencies, mainCount } = plan
    const local = task - base
    // A task that joined the document: the plan does not know its dependencies.
    if (local >= plan.tasks.length) return false
    if (local < mainCount) {
      return (dependencies[local] as readonly number[]).every(each => this.#isUnchanged(base + each))
    }
    for (let each = 0; each < mainCount; each++) if (!this.#isUnchanged(base + each)) return false
    return (dependencies[local] as readonly number[]).every(each => this.#isUnchanged(base + each))
  }

  #isUnchanged(task: number): boolean {
    return !this.#changed.has(this.#graph.idOf(task))
  }

  /** Whether a settled task came to what the recorded execution has of it; of a parent, apart from its children. */
  #isSame(result: TaskResult, itemCount: number | undefined): boolean {
    const { taskId, status, reusedFrom } = result
    const old = this.#recorded.resultOf(taskId)
    if (old === undefined || old.status !== status || this.#from.has(taskId)) return false
    if (status === 'skipped') return true
    if (status !== 'success') return false
    const childCount = this.#childCounts.get(taskId) ?? (itemCount === 0 ? 0 : undefined)
    if (childCount !== undefined) return childCount === this.#recorded.childCountOf(taskId)
    if (reusedFrom === undefined) return false
    const origin = this.#recorded.originOf(old)
    return origin.executionId === reusedFrom.executionId && origin.taskId === reusedFrom.taskId
  }
}
