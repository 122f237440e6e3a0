import type { Gate } from '../tools/gate.ts'
import type { RegisteredTool } from '../tools/registry.ts'
import type { JsonSchema } from '../tools/tool.ts'
import type { ArgumentProblem } from '../tools/argument-problem.ts'
import type { ItemWords, KnownWorkflow, RoundWords, TaskTree, TaskWords } from '../workflow/checked-document.ts'
import type {
  DAGStructure,
  DAGTask,
  DAGTaskFields,
  DAGWorkflowTask,
  RecordedWorkflow,
  RetryPolicy,
} from '../workflow/document.ts'
import { readSource, type Template } from '../workflow/template.ts'
import { describeTree } from '../workflow/words/child-ids.ts'
import { describeFields, describeGroup } from '../workflow/words/describe-words.ts'
import type { InputCheck, InputReference } from '../workflow/workflow-input.ts'
import type { Layers } from './graph.ts'
import { computePriorities, type Dependents } from './priorities.ts'

/**
 * A task of a plan. `when` and `approve` are decided once its dependencies allow it to run; those of a single item are in
 * `group.body`.
 */
export interface PlannedTask extends Pick<TaskWords, 'runOn' | 'when' | 'optional' | 'approve' | 'cache'> {
  readonly id: string
  /** Of a parent, the tool that events name: that of its items or rounds, or a placeholder such as `workflow:NAME`. */
  readonly tool: RegisteredTool
  readonly arguments: Template
  readonly layer: number
  readonly timeoutMs?: number
  readonly retry?: RetryPolicy
  /** Present on a parent: its children run in its place. */
  readonly group?: Group
}

/** How a parent makes its children. */
export type Group = FanOut | Repetition | SubWorkflow | Planned

/** One child per item; `body` is the task of each. */
export interface FanOut extends ItemWords {
  readonly kind: 'forEach'
  readonly body: PlannedTask
}

/** One child per round, one after another; `body` is the task of each. */
export interface Repetition extends RoundWords {
  readonly kind: 'repeat'
  readonly body: PlannedTask
}

/** The tasks of another workflow. */
export interface SubWorkflow {
  readonly kind: 'workflow'
  readonly plan: ExecutionPlan
  /** Of a registered workflow. */
  readonly name?: string
}

/** The planner, which is `body`, and the tasks that it adds. */
export interface Planned {
  readonly kind: 'plan'
  readonly body: PlannedTask
}

/** The parts of a plan, which the plan freezes and keeps. All by task index, in document order. */
export interface PlanParts
  extends Pick<ExecutionPlan, 'name' | 'tasks' | 'dependencies' | 'dependents' | 'inputReferences' | 'mainCount'>,
    Pick<ExecutionPlan, 'finallyLayer' | 'reads' | 'finallyTimeoutMs' | 'output' | 'inputCheck'> {
  readonly layers: Layers
  readonly estimates: readonly number[]
}

/**
 * A validated workflow: frozen, compact and stateless, so that any number of executions can run it concurrently. Accepted
 * wherever a workflow is; created only by `compileWorkflow`.
 *
 * Tasks are identified by their index in the document; those of `finally` follow the others.
 */
export class ExecutionPlan implements KnownWorkflow {
  readonly name: string | undefined
  readonly tasks: readonly PlannedTask[]
  /** Task ids by layer, in document order within each. */
  readonly layers: readonly (readonly string[])[]
  /** For each task, the indices of its dependencies, ascending. Tasks of `finally` depend on each other only. */
  readonly dependencies: readonly (readonly number[])[]
  /** For each task, the number of its dependencies. */
  readonly dependencyCounts: readonly number[]
  /** The distinct limits and rates of its tools and of those of nested workflows. */
  readonly limits: readonly Gate[]
  readonly dependents: Dependents
  /** `layers` as task indices. */
  readonly layerIndices: Layers
  /** All references to `$INPUT`, except in nested workflows. Checked against the input of each execution before it starts. */
  readonly inputReferences: readonly InputReference[]
  /** Index of the first task of `finally`; the number of tasks if there is none. */
  readonly mainCount: number
  /** Index of the first layer of `finally` tasks; the number of layers if there is none. */
  readonly finallyLayer: number
  /** For each task, those of its dependencies that it refers to. Absent unless `usesLanguage`. */
  readonly reads: readonly (readonly number[])[] | undefined
  /** Maximum time for all `finally` tasks together, ms; 0 for no bound. */
  readonly finallyTimeoutMs: number | undefined
  /** The output that the document declares. */
  readonly output: Template | undefined
  /** Checks by `inputSchema`. */
  readonly inputCheck: InputCheck | undefined
  /** Depth of the workflows nested in it. */
  readonly depth: number
  readonly #estimates: readonly number[]
  readonly #tools: ReadonlyMap<string, RegisteredTool>
  #priorities: readonly number[] | undefined
  #tree: TaskTree | undefined

  constructor(parts: PlanParts) {
    const { tasks, layers, dependencies } = parts
    this.name = parts.name
    this.tasks = Object.freeze(tasks)
    this.layers = Object.freeze(
      layers.map(indices => Object.freeze(indices.map(task => (tasks[task] as PlannedTask).id))),
    )
    this.dependencies = Object.freeze(dependencies)
    this.dependencyCounts = Object.freeze(dependencies.map(list => list.length))
    this.dependents = Object.freeze(parts.dependents)
    this.layerIndices = Object.freeze(layers)
    this.inputReferences = Object.freeze(parts.inputReferences)
    this.mainCount = parts.mainCount
    this.finallyLayer = parts.finallyLayer
    this.reads = parts.reads && Object.freeze(parts.reads)
    this.finallyTimeoutMs = parts.finallyTimeoutMs
    this.output = parts.output
    this.inputCheck = parts.inputCheck
    const tools = new Map<string, RegisteredTool>()
    let depth = 0
    for (const task of tasks) {
      const nested = readNested(task)
      if (nested === undefined) tools.set(task.tool.name, task.tool)
      else {
        depth = Math.max(depth, nested.plan.depth + 1)
        for (const [name, tool] of nested.plan.tools) tools.set(name, tool)
      }
    }
    this.depth = depth
    this.#tools = tools
    this.limits = Object.freeze([...new Set(Array.from(tools.values()).flatMap(tool => tool.gate ?? []))])
    this.#estimates = Object.freeze(parts.estimates)
    Object.freeze(this)
  }

  /** Whether a task is more than one call of one tool, after the success of its dependencies. */
  get usesLanguage(): boolean {
    return this.reads !== undefined
  }

  /** The faults of an input by `inputSchema`: none if there is no schema. `undefined` is checked as `{}`. Never throws. */
  checkInput(value: unknown): readonly ArgumentProblem[] {
    return this.inputCheck?.check(value) ?? []
  }

  /** Returns a document that compiles to the same plan, with the same registered workflows. */
  describe(): DAGStructure {
    const tasks = this.tasks.map((_, index) => this.describeTask(index))
    const last = tasks.splice(this.mainCount)
    return {
      ...(this.name !== undefined && { name: this.name }),
      ...(this.inputCheck && { inputSchema: this.inputCheck.schema.read() as JsonSchema }),
      tasks,
      ...(last.length > 0 && { finally: last }),
      ...(this.finallyTimeoutMs !== undefined && { finallyTimeoutMs: this.finallyTimeoutMs }),
      ...(this.output !== undefined && { output: readSource(this.output) }),
    }
  }

  /** Returns the document with the registered workflows that it runs, at any depth. */
  describeRecorded(): RecordedWorkflow {
    const plans = new Map<string, ExecutionPlan>()
    collectRegistered(this, plans)
    if (plans.size === 0) return this.describe()
    const workflows = Object.fromEntries(Array.from(plans, ([name, plan]) => [name, plan.describe()]))
    return { ...this.describe(), workflows }
  }

  /** Returns the document of a task, as far as the plan keeps it. `dependsOn` includes those from references. */
  describeTask(index: number): DAGTask | DAGWorkflowTask {
    const task = this.tasks[index] as PlannedTask
    const { group } = task
    const fields = group === undefined || group.kind === 'workflow' ? task : { ...group.body, ...task }
    const dependencies = this.dependencies[index] as readonly number[]
    const estimatedMs = this.#estimates[index] as number
    const more: Omit<DAGTaskFields, 'id'> = {
      arguments: readSource(task.arguments) as Record<string, unknown>,
      dependsOn: dependencies.map(dependency => (this.tasks[dependency] as PlannedTask).id),
      ...describeFields(fields),
      ...(estimatedMs !== 1 && { estimatedMs }),
      ...(group !== undefined && describeGroup(group)),
    }
    const nested = readNested(task)
    return nested === undefined
      ? { id: task.id, tool: task.tool.name, ...more }
      : { id: task.id, workflow: nested.name ?? nested.plan.describe(), ...more }
  }

  /** Whether `compileWorkflow` created the value. Unlike `instanceof`, it runs no code of a hostile value. */
  static is(value: unknown): value is ExecutionPlan {
    return typeof value === 'object' && value !== null && #estimates in value
  }

  /** The tools of its tasks and of nested workflows, by name. */
  get tools(): ReadonlyMap<string, RegisteredTool> {
    return this.#tools
  }

  /** Task indices in the order in which `dataflow` prefers them. Computed on first use. */
  get priorities(): readonly number[] {
    return (this.#priorities ??= computePriorities(this.layerIndices, this.dependents, this.#estimates))
  }

  /** Whether the document has estimates. */
  get hasEstimates(): boolean {
    return this.#estimates.some(estimate => estimate !== 1)
  }

  /**
   * Task indices in the order of `dataflow` by learned estimates, unless the document has some: these may be in any unit.
   * @param learned ms by task index
   */
  prioritiesBy(learned: readonly number[]): readonly number[] {
    if (this.hasEstimates) return this.priorities
    const estimates = this.#estimates.map((unknown, task) => learned[task] ?? unknown)
    return computePriorities(this.layerIndices, this.dependents, estimates)
  }

  get tree(): TaskTree {
    return (this.#tree ??= describeTree(this.tasks))
  }
}

/** The workflow that a task, its items or its rounds run. */
function readNested({ group }: PlannedTask): SubWorkflow | undefined {
  return group === undefined || group.kind === 'workflow' ? group : readNested(group.body)
}

function collectRegistered({ tasks }: ExecutionPlan, plans: Map<string, ExecutionPlan>): void {
  for (const task of tasks) {
    const { name, plan } = readNested(task) ?? {}
    if (plan === undefined || (name !== undefined && plans.has(name))) continue
    if (name !== undefined) plans.set(name, plan)
    collectRegistered(plan, plans)
  }
}
