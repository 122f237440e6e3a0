import type { Limit } from '../tools/limit.ts'
import type { RegisteredTool } from '../tools/registry.ts'
import type { InputReference } from '../workflow/check-task.ts'
import type { DAGStructure, DAGTask, RetryPolicy } from '../workflow/document.ts'
import { readSource, type Template } from '../workflow/template.ts'
import type { Layers } from './graph.ts'
import { computePriorities, type Dependents } from './priorities.ts'

/** A task of a plan. */
export interface PlannedTask {
  readonly id: string
  readonly tool: RegisteredTool
  readonly arguments: Template
  readonly layer: number
  readonly timeoutMs?: number
  readonly retry?: RetryPolicy
}

/** The parts of a plan, which the plan freezes and keeps. All by task index, in document order. */
export interface PlanParts {
  readonly name: string | undefined
  readonly tasks: readonly PlannedTask[]
  readonly layers: Layers
  readonly dependencies: readonly (readonly number[])[]
  readonly dependents: Dependents
  readonly estimates: readonly number[]
  readonly inputReferences: readonly InputReference[]
}

/**
 * A validated workflow: frozen, compact and stateless, so that any number of executions can run it concurrently. Accepted
 * wherever a workflow is; created only by `compileWorkflow`.
 *
 * Tasks are identified by their index in the document.
 */
export class ExecutionPlan {
  readonly name: string | undefined
  readonly tasks: readonly PlannedTask[]
  /** Task ids by layer, in document order within each. */
  readonly layers: readonly (readonly string[])[]
  /** For each task, the indices of its dependencies, ascending. */
  readonly dependencies: readonly (readonly number[])[]
  /** For each task, the number of its dependencies. */
  readonly dependencyCounts: readonly number[]
  /** The distinct limits of its tools. */
  readonly limits: readonly Limit[]
  readonly dependents: Dependents
  /** `layers` as task indices. */
  readonly layerIndices: Layers
  /** All references to `$INPUT`. Checked against the input of each execution before it starts. */
  readonly inputReferences: readonly InputReference[]
  readonly #estimates: readonly number[]
  readonly #tools: ReadonlyMap<string, RegisteredTool>
  /** Computed on first use, because only `dataflow` needs it. Depends on the plan alone, so it is a cache, not state. */
  #priorities: readonly number[] | undefined

  /** Called by `planSteps`. */
  constructor({ name, tasks, layers, dependencies, dependents, estimates, inputReferences }: PlanParts) {
    this.name = name
    this.tasks = Object.freeze(tasks)
    this.layers = Object.freeze(
      layers.map(indices => Object.freeze(indices.map(task => (tasks[task] as PlannedTask).id))),
    )
    this.dependencies = Object.freeze(dependencies)
    this.dependencyCounts = Object.freeze(dependencies.map(list => list.length))
    this.dependents = Object.freeze(dependents)
    this.layerIndices = Object.freeze(layers)
    this.inputReferences = Object.freeze(inputReferences)
    const tools = new Map<string, RegisteredTool>()
    for (const { tool } of tasks) tools.set(tool.name, tool)
    this.#tools = tools
    this.limits = Object.freeze([...new Set(Array.from(tools.values()).flatMap(tool => tool.limit ?? []))])
    this.#estimates = Object.freeze(estimates)
    Object.freeze(this)
  }

  /** Returns a document that compiles to the same plan. */
  describe(): DAGStructure {
    const tasks = this.tasks.map((_, index) => this.describeTask(index))
    return this.name === undefined ? { tasks } : { name: this.name, tasks }
  }

  /**
   * Returns the document of a task, as far as the plan keeps it. `dependsOn` includes the dependencies from references.
   */
  describeTask(index: number): DAGTask {
    const { id, tool, arguments: template, timeoutMs, retry } = this.tasks[index] as PlannedTask
    const dependencies = this.dependencies[index] as readonly number[]
    const estimatedMs = this.#estimates[index] as number
    return {
      id,
      tool: tool.name,
      arguments: readSource(template) as Record<string, unknown>,
      dependsOn: dependencies.map(dependency => (this.tasks[dependency] as PlannedTask).id),
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(retry !== undefined && { retry }),
      ...(estimatedMs !== 1 && { estimatedMs }),
    }
  }

  /** Whether `compileWorkflow` created the value. Unlike `instanceof`, it runs no code of a hostile value. */
  static is(value: unknown): value is ExecutionPlan {
    return typeof value === 'object' && value !== null && #estimates in value
  }

  /** The tools of its tasks, by name. */
  get tools(): ReadonlyMap<string, RegisteredTool> {
    return this.#tools
  }

  /** Task indices in the order in which `dataflow` prefers them. */
  get priorities(): readonly number[] {
    return (this.#priorities ??= computePriorities(this.layerIndices, this.dependents, this.#estimates))
  }
}
