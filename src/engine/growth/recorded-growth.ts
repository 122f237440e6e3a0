import type { EventFor, Stop } from '../../events/events.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import { JsonValue } from '../../events/json-value.ts'
import { recordUnusable } from '../../errors.ts'
import type { ExecutionPlan } from '../../plan/execution-plan.ts'
import { GrowingPlan } from '../../plan/growing-plan.ts'
import { WorkflowRegistry } from '../../plan/workflow-registry.ts'
import type { AppliedEvent } from '../../scheduler/table-input.ts'
import type { TaskTable } from '../../scheduler/task-table.ts'
import { ToolRegistry } from '../../tools/registry.ts'
import type { DAGStructure, DAGTask } from '../../workflow/document.ts'
import { collectNames } from '../../workflow/tool-names.ts'
import { describeMissing, findUnsettledTool, withPlaceholders } from '../resume/recorded-execution.ts'

/** Plans the tasks that joined an execution again, from its log. */
export class RecordedGrowth {
  readonly #plan: ExecutionPlan
  readonly #input: JsonValue | undefined
  #tools: ToolRegistry
  #growing: GrowingPlan | undefined
  /** Those of the record, once a task has joined. */
  #own: Readonly<Record<string, DAGStructure>> | undefined
  /** Those that the log has. */
  #workflows: Readonly<Record<string, unknown>> = {}
  readonly #missing = new Set<string>()
  readonly #tasks = new Map<string, DAGTask>()
  /** For example, the schema of a tool has changed. */
  #fault: string | undefined

  /** @param tools those that exist now */
  constructor(plan: ExecutionPlan, input: JsonValue | undefined, tools: ToolRegistry) {
    this.#plan = plan
    this.#input = input
    this.#tools = tools
  }

  /** Call it with each event before the table applies it. @throws `RECORD_UNUSABLE` */
  apply(event: AppliedEvent, table: TaskTable): void {
    const { type, data } = event
    if (type === 'tasks_removed') for (const taskId of data.taskIds) this.#remove(taskId, table)
    if (type !== 'tasks_added' || data.tasks[0]?.definition === undefined) return
    const growing = this.#prepare(data, table)
    for (const { definition } of data.tasks) this.#add(growing, readDefinition(definition))
  }

  /** Why nothing more of the execution runs, given the tasks that have settled. */
  findFailure({ tasks }: ExecutionState): Stop | undefined {
    if (this.#fault !== undefined) return { code: 'INVALID_WORKFLOW', message: this.#fault }
    if (this.#tasks.size === 0) return undefined
    const document = { tasks: [...this.#tasks.values()], workflows: this.#known }
    return describeMissing(findUnsettledTool(document, this.#missing, id => tasks.get(id)?.result !== undefined)?.tool)
  }

  #prepare({ tasks, workflows: added = {} }: EventFor<'tasks_added'>['data'], { graph }: TaskTable): GrowingPlan {
    this.#workflows = { ...this.#workflows, ...added }
    const whole = { tasks: tasks.map(task => readDefinition(task.definition)), workflows: this.#known }
    const { tools: named } = collectNames(whole)
    const missing = [...named].filter(name => !this.#tools.has(name))
    for (const name of missing) this.#missing.add(name)
    const isChanged = missing.length > 0 || Object.keys(added).length > 0
    if (missing.length > 0) this.#tools = withPlaceholders(this.#tools, new Set(missing))
    if (this.#growing === undefined) {
      this.#growing = new GrowingPlan(this.#plan, this.#input, { ...this.#context, isRecorded: true })
      graph.grown = this.#growing
    } else if (isChanged) this.#growing.use(this.#context)
    return this.#growing
  }

  get #context(): { tools: ToolRegistry; workflows: ReturnType<WorkflowRegistry['lookup']> } {
    // Without tools: a fault of one concerns only the tasks that name it.
    const registry = new WorkflowRegistry(this.#known, undefined, { isRecorded: true })
    return { tools: this.#tools, workflows: registry.lookup(this.#tools) }
  }

  /** The workflows that tasks may name. */
  get #known(): Readonly<Record<string, DAGStructure>> {
    this.#own ??= this.#plan.describeRecorded().workflows ?? {}
    return { ...this.#own, ...(this.#workflows as Record<string, DAGStructure>) }
  }

  #add(growing: GrowingPlan, definition: unknown): void {
    this.#tasks.set((definition as DAGTask).id, definition as DAGTask)
    const grown = growing.add(definition)
    if ('planned' in grown) return
    const [issue] = grown
    this.#fault ??= `${issue?.code} at \`${issue?.pointer}\` of task \`${(definition as DAGTask).id}\`: ${issue?.message}`
    // The log can still be read without the schemas of tools.
    const { tools } = collectNames({ tasks: [...this.#tasks.values()], workflows: this.#known })
    this.#tools = withPlaceholders(new ToolRegistry(), tools)
    growing.use(this.#context)
    if (!('planned' in growing.add(definition))) throw recordUnusable(`A recorded task is refused: ${this.#fault}`)
  }

  #remove(taskId: string, { graph }: TaskTable): void {
    this.#tasks.delete(taskId)
    if (this.#growing === undefined) {
      this.#growing = new GrowingPlan(this.#plan, this.#input, { ...this.#context, isRecorded: true })
      graph.grown = this.#growing
    }
    this.#growing.remove(taskId)
  }
}

/** The task of an event, live or as a store has it. */
export function readDefinition(definition: unknown): unknown {
  return definition instanceof JsonValue ? definition.peek() : definition
}
