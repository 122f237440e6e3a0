import type { EventFor, Stop } from '../../events/events.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import { JsonValue } from '../../events/json-value.ts'
import { recordUnusable } from '../../errors.ts'
import type { ExecutionPlan } from '../../plan/execution-plan.ts'
import { GrowingPlan } from '../../plan/growing-plan.ts'
import { WorkflowRegistry } from '../../plan/workflow-registry.ts'
import type { AppliedEvent } from '../../scheduler/table-input.ts'
import type { TaskGroup } from '../../scheduler/task-group.ts'
import type { TaskTable } from '../../scheduler/task-table.ts'
import { ToolRegistry } from '../../tools/registry.ts'
import type { DAGStructure, DAGTask } from '../../workflow/document.ts'
import type { GrowthContext } from '../../workflow/growing-document.ts'
import { collectNames } from '../../workflow/tool-names.ts'
import { growInside } from './group-growth.ts'
import { describeMissing, findUnsettledTool, withPlaceholders } from '../resume/recorded-execution.ts'

/** Plans the tasks that joined an execution again, from its log. */
export class RecordedGrowth {
  readonly #plan: ExecutionPlan
  readonly #input: JsonValue | undefined
  #tools: ToolRegistry
  /** What tasks may name, as long as that does not change. */
  #cached: GrowthContext | undefined
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
    const { tasks, parentId } = data
    const context = this.#prepare(data)
    const parent = parentId === undefined ? undefined : table.graph.indexOf(parentId)
    const group = parent === undefined ? table.graph.root : table.graph.groupBelow(parent)
    if (group === undefined) throw recordUnusable(`A recorded task joined \`${parentId}\`, which was not open`)
    const growing = this.#growingOf(group, context)
    for (const { definition } of tasks) this.#add(growing, group, readDefinition(definition))
  }

  /** Why nothing more of the execution runs, given the tasks that have settled. */
  findFailure({ tasks }: ExecutionState): Stop | undefined {
    if (this.#fault !== undefined) return { code: 'INVALID_WORKFLOW', message: this.#fault }
    if (this.#tasks.size === 0) return undefined
    const document = { tasks: [...this.#tasks.values()], workflows: this.#known }
    return describeMissing(findUnsettledTool(document, this.#missing, id => tasks.get(id)?.result !== undefined)?.tool)
  }

  #prepare({ tasks, workflows: added = {} }: EventFor<'tasks_added'>['data']): GrowthContext {
    this.#workflows = { ...this.#workflows, ...added }
    const whole = { tasks: tasks.map(task => readDefinition(task.definition)), workflows: this.#known }
    const { tools: named } = collectNames(whole)
    const missing = [...named].filter(name => !this.#tools.has(name))
    for (const name of missing) this.#missing.add(name)
    if (missing.length > 0) this.#tools = withPlaceholders(this.#tools, new Set(missing))
    if (missing.length > 0 || Object.keys(added).length > 0) this.#cached = undefined
    return this.#context
  }

  /** What joins the document is planned with it, what joins a plan on its own. */
  #growingOf(group: TaskGroup, context: GrowthContext): GrowingPlan {
    if (group.outer !== undefined) return growInside(group, context)
    if (group.grown instanceof GrowingPlan) group.grown.use(context)
    else group.grown = new GrowingPlan(this.#plan, this.#input, context)
    return group.grown as GrowingPlan
  }

  get #context(): GrowthContext {
    if (this.#cached === undefined) {
      // Without tools: a fault of one concerns only the tasks that name it.
      const registry = new WorkflowRegistry(this.#known, undefined, { isRecorded: true })
      this.#cached = { tools: this.#tools, workflows: registry.lookup(this.#tools), isRecorded: true }
    }
    return this.#cached
  }

  /** The workflows that tasks may name. */
  get #known(): Readonly<Record<string, DAGStructure>> {
    this.#own ??= this.#plan.describeRecorded().workflows ?? {}
    return { ...this.#own, ...(this.#workflows as Record<string, DAGStructure>) }
  }

  #add(growing: GrowingPlan, { prefix }: TaskGroup, definition: unknown): void {
    const taskId = prefix + (definition as DAGTask).id
    this.#tasks.set(taskId, prefix === '' ? (definition as DAGTask) : { ...(definition as DAGTask), id: taskId })
    const grown = growing.add(definition)
    if ('planned' in grown) return
    const [issue] = grown
    this.#fault ??= `${issue?.code} at \`${issue?.pointer}\` of task \`${taskId}\`: ${issue?.message}`
    // The log can still be read without the schemas of tools.
    const { tools } = collectNames({ tasks: [...this.#tasks.values()], workflows: this.#known })
    this.#tools = withPlaceholders(new ToolRegistry(), tools)
    this.#cached = undefined
    growing.use(this.#context)
    if (!('planned' in growing.add(definition))) throw recordUnusable(`A recorded task is refused: ${this.#fault}`)
  }

  #remove(taskId: string, { graph }: TaskTable): void {
    this.#tasks.delete(taskId)
    this.#growingOf(graph.root, this.#context).remove(taskId)
  }
}

/** The task of an event, live or as a store has it. */
export function readDefinition(definition: unknown): unknown {
  return definition instanceof JsonValue ? definition.peek() : definition
}
