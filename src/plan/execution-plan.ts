import type { Limit } from '../tools/limit.ts'
import type { RegisteredTool } from '../tools/registry.ts'
import type { CheckedTask, InputReference } from '../workflow/check-task.ts'
import type { DAGStructure, DAGTask, RetryPolicy } from '../workflow/document.ts'
import { readSource, type Template } from '../workflow/template.ts'
import type { Layers } from './graph.ts'
import { computePriorities, type Dependents } from './priorities.ts'

/** A task as executions use it. */
export interface PlannedTask {
  readonly id: string
  readonly tool: RegisteredTool
  readonly arguments: Template
  readonly layer: number
  readonly timeoutMs?: number
  readonly retry?: RetryPolicy
}

/**
 * A workflow that has passed its checks: frozen, compact, and without any state, so that any number of executions can run it,
 * also at once. Accepted wherever a workflow is; made by `compileWorkflow` only.
 *
 * Tasks are known by their index in the document.
 */
export class ExecutionPlan {
  readonly name: string | undefined
  readonly tasks: readonly PlannedTask[]
  /** Task ids by layer, in document order within each. */
  readonly layers: readonly (readonly string[])[]
  /** For each task the indices it waits for, ascending. */
  readonly dependencies: readonly (readonly number[])[]
  /** For each task how many these are. */
  readonly dependencyCounts: readonly number[]
  /** The limits that its tools have, each once. */
  readonly limits: readonly Limit[]
  readonly dependents: Dependents
  /** The same as `layers`, as indices. */
  readonly layerIndices: Layers
  /** Where arguments refer to `$INPUT`; checked against each execution's input before it starts. */
  readonly inputReferences: readonly InputReference[]
  readonly #estimates: readonly number[]
  readonly #tools: ReadonlyMap<string, RegisteredTool>
  /** Only `dataflow` needs it, so it is made by the first execution that does; it follows from the plan alone. */
  #priorities: readonly number[] | undefined

  /** Made by `compileWorkflow`. */
  constructor(name: string | undefined, tasks: readonly CheckedTask[], layers: Layers, dependents: Dependents) {
    const layerOf = new Int32Array(tasks.length)
    layers.forEach((indices, layer) => {
      for (const task of indices) layerOf[task] = layer
    })
    this.name = name
    this.tasks = Object.freeze(tasks.map((task, index) => planTask(task, layerOf[index] as number)))
    this.layers = Object.freeze(
      layers.map(indices => Object.freeze(indices.map(task => (tasks[task] as CheckedTask).id))),
    )
    this.dependencies = Object.freeze(tasks.map(task => Object.freeze(task.dependencies)))
    this.dependencyCounts = Object.freeze(tasks.map(task => task.dependencies.length))
    this.limits = Object.freeze([...new Set(tasks.flatMap(({ tool }) => tool.limit ?? []))])
    this.dependents = Object.freeze(dependents)
    this.layerIndices = Object.freeze(layers)
    this.inputReferences = Object.freeze(
      tasks.flatMap(task => task.inputReferences.map(reference => Object.freeze(reference))),
    )
    const tools = new Map<string, RegisteredTool>()
    for (const { tool } of tasks) tools.set(tool.name, tool)
    this.#tools = tools
    this.#estimates = Object.freeze(tasks.map(task => task.estimatedMs))
    Object.freeze(this)
  }

  /** A document that compiles to the same plan. */
  describe(): DAGStructure {
    const tasks = this.tasks.map((_, index) => this.describeTask(index))
    return this.name === undefined ? { tasks } : { name: this.name, tasks }
  }

  /** A task as its document had it, as far as the plan keeps it: dependencies are all of them, also those referred to. */
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

  /** Whether `compileWorkflow` made it. Unlike `instanceof` it runs no code of a hostile value. */
  static is(value: unknown): value is ExecutionPlan {
    return typeof value === 'object' && value !== null && #estimates in value
  }

  /** The tools that its tasks were compiled with, by name. */
  get tools(): ReadonlyMap<string, RegisteredTool> {
    return this.#tools
  }

  /** Tasks in the order in which `dataflow` prefers them. */
  get priorities(): readonly number[] {
    return (this.#priorities ??= computePriorities(this.layerIndices, this.dependents, this.#estimates))
  }
}

function planTask({ id, tool, arguments: template, timeoutMs, retry }: CheckedTask, layer: number): PlannedTask {
  return Object.freeze({
    id,
    tool,
    arguments: template,
    layer,
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retry !== undefined && { retry: Object.freeze({ ...retry }) }),
  })
}
