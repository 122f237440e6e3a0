import type { Condition } from '../conditions/condition.ts'
import type { JsonValue } from '../events/json-value.ts'
import type { Limit } from '../tools/limit.ts'
import type { RegisteredTool } from '../tools/registry.ts'
import type { CheckedTask, InputReference } from '../workflow/check-task.ts'
import type { DAGStructure, DAGTask, RetryPolicy, RunOn } from '../workflow/document.ts'
import { readSource, type Template } from '../workflow/template.ts'
import type { Layers } from './graph.ts'
import { computePriorities, type Dependents } from './priorities.ts'

/** A task of a plan. */
export interface PlannedTask {
  readonly id: string
  /** Of a parent, the tool that events name: that of its items or rounds, or a placeholder such as `workflow:NAME`. */
  readonly tool: RegisteredTool
  readonly arguments: Template
  readonly layer: number
  readonly timeoutMs?: number
  readonly retry?: RetryPolicy
  /** @defaultValue `success` */
  readonly runOn?: Exclude<RunOn, 'success'>
  /** Evaluated once its dependencies allow it to run. That of a single item is in `group.body`. */
  readonly when?: Condition
  /** Its failure is tolerated. */
  readonly optional?: OptionalTask
  /** Present on a parent: its children run in its place. */
  readonly group?: Group
}

/** What a tolerated failure stands for. */
export interface OptionalTask {
  /** What its dependents read. */
  readonly default: JsonValue
}

/** How a parent makes its children. */
export type Group = FanOut | Repetition | SubWorkflow

/** One child per item. */
export interface FanOut {
  readonly kind: 'forEach'
  readonly items: ItemSource
  /** Maximum number of items in flight. */
  readonly concurrency?: number
  readonly tolerate: Tolerance
  /** The task of each item. */
  readonly body: PlannedTask
}

/** A list, or the product of named lists: the last key changes fastest. */
export type ItemSource =
  | { readonly kind: 'list'; readonly list: Template }
  | { readonly kind: 'product'; readonly keys: readonly string[]; readonly lists: readonly Template[] }

/** How many items may fail: a number, or a share of all items from 0 to 1, rounded down. */
export type Tolerance = { readonly count: number } | { readonly share: number }

/** One child per round, one after another. */
export interface Repetition {
  readonly kind: 'repeat'
  /** Ends the repetition. @defaultValue never: `maxTimes` rounds, a success */
  readonly until?: Condition
  /** Delay after the first round, ms. */
  readonly everyMs: number
  /** Factor by which each delay exceeds the previous one. */
  readonly factor: number
  readonly maxTimes: number
  readonly onExhausted: 'fail' | 'keep'
  /** The task of each round. */
  readonly body: PlannedTask
}

/** The tasks of another workflow. */
export interface SubWorkflow {
  readonly kind: 'workflow'
  readonly plan: ExecutionPlan
  /** Of a registered workflow. */
  readonly name?: string
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

  /** Called by `compileWorkflow`. */
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
