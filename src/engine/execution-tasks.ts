import type { AddedTask } from '../events/events.ts'
import type { ExecutionState, TaskState } from '../events/execution-state.ts'
import type { ExecutionPlan, PlannedTask } from '../plan/execution-plan.ts'
import type { TaskGraph } from '../scheduler/task-graph.ts'
import { EMPTY_TEMPLATE } from '../workflow/template.ts'

/** The planned and the added tasks of one execution, by index. */
export class ExecutionTasks {
  readonly #plan: ExecutionPlan
  readonly #graph: TaskGraph
  readonly #state: ExecutionState
  /** By index, once the first event is in the log. */
  #states: (TaskState | undefined)[] | undefined

  constructor(graph: TaskGraph, state: ExecutionState) {
    this.#plan = graph.plan
    this.#graph = graph
    this.#state = state
  }

  /** The id and layer of an added task come from its events. */
  at(index: number): PlannedTask {
    return this.#plan.tasks[index] ?? this.#joined(index) ?? this.#describe(index)
  }

  /** A task that joined the document. */
  #joined(index: number): PlannedTask | undefined {
    const grown = this.#graph.grownAt(index)
    return grown !== undefined && this.#graph.groupOf(index).outer === undefined ? grown.planned : undefined
  }

  /** The state of a task once the log has it. By index: a lookup by id costs more with more tasks. */
  stateOf(index: number): TaskState | undefined {
    if (this.#states === undefined) {
      if (this.#state.tasks.size === 0) return undefined
      this.#states = this.#plan.tasks.map(({ id }) => this.#state.tasks.get(id))
    }
    return (this.#states[index] ??=
      index < this.#graph.size ? this.#state.tasks.get(this.#graph.idOf(index)) : undefined)
  }

  /** The ids of the dependencies of a task. */
  dependenciesOf(index: number): readonly string[] {
    const planned = this.#plan.dependencies[index]
    if (planned === undefined) return this.#graph.addedTask(index)?.dependsOn ?? []
    return planned.map(dependency => (this.#plan.tasks[dependency] as PlannedTask).id)
  }

  #describe(index: number): PlannedTask {
    const { taskId: id, tool: name, layer } = this.#graph.addedTask(index) as AddedTask
    const definition = this.#graph.taskAt(index)
    if (definition !== undefined) return { ...definition, id, layer }
    // A task that no plan describes has the tool that the plan knows by its name, and no arguments.
    const tool = this.#plan.tools.get(name)
    if (tool === undefined) throw new Error(`The plan has no tool \`${name}\` for the added task \`${id}\``)
    return { id, tool, arguments: EMPTY_TEMPLATE, layer }
  }
}
