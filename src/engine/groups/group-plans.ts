import { DagstreamError } from '../../errors.ts'
import type { PlanIssue } from '../../events/events.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import { JsonValue } from '../../events/json-value.ts'
import { isJsonObject } from '../../json/describe-json.ts'
import type { GrowingPlan } from '../../plan/growing-plan.ts'
import type { TaskGroup } from '../../scheduler/task-group.ts'
import { quoteName } from '../../tools/json-pointer.ts'
import type { PlanRoom } from '../../tools/plan-room.ts'
import type { ToolRegistry } from '../../tools/registry.ts'
import { takeFreshWorkflows } from '../growth/fresh-workflows.ts'
import { growInside, withoutPlanners } from '../growth/group-growth.ts'
import type { GrowthSources } from '../growth/growth-sources.ts'
import type { GroupRecorder, GroupRecorderParts } from './group-recorder.ts'

/** The parts of an execution that its planners work with. */
export interface GroupPlanParts extends GroupRecorderParts {
  readonly state: ExecutionState
  /** What planned tasks may name; `undefined` if none can join. */
  readonly growth: GrowthSources | undefined
}

/** The plan of one task, while it is written. */
interface OpenPlan {
  readonly tools: ToolRegistry
  readonly growing: GrowingPlan
  /** In the order in which they joined. */
  readonly accepted: JsonValue[]
}

/**
 * Where the tasks of planners join: as children of the task that plans. A task is checked against those that have joined before
 * it, and is in the log before it starts.
 */
export class GroupPlans {
  readonly #parts: GroupPlanParts
  readonly #events: GroupRecorder
  readonly #plans = new WeakMap<TaskGroup, OpenPlan>()
  readonly #completed = new WeakSet<TaskGroup>()
  /** Registered workflows that the log has. */
  readonly #recorded: Set<string>

  constructor(parts: GroupPlanParts, events: GroupRecorder) {
    this.#parts = parts
    this.#events = events
    this.#recorded = new Set(Object.keys(parts.state.addedWorkflows ?? {}))
  }

  /** @param isOver whether the attempt of the planner is. @returns `undefined` for a task that plans nothing */
  roomOf(task: number, isOver: () => boolean): PlanRoom | undefined {
    const { growth, table, recorder } = this.#parts
    const group = table.graph.groupOf(task)
    if (growth === undefined || !group.isPlanner(task)) return undefined
    const plan = this.#open(group, growth)
    const parentId = table.graph.idOf(group.parent)
    return {
      tools: plan.tools,
      get accepted() {
        return plan.accepted.map(definition => definition.read())
      },
      add: definition => {
        if (isOver() || group.stop !== undefined) throw new DagstreamError('CANCELLED', 'The attempt is over')
        return this.#add(group, plan, definition)
      },
      reject: (line, issues) => {
        if (!isOver()) recorder.record('plan_rejected', recorder.stamp({ parentId, line, issues }), group.parent)
      },
    }
  }

  /**
   * Adds the tasks of a planner's output that have not joined: another execution has planned them. One that does not pass its
   * checks any more fails the parent.
   * @returns whether something was recorded
   */
  complete(group: TaskGroup): boolean {
    const { growth, table, state } = this.#parts
    if (growth === undefined || group.stop !== undefined || this.#completed.has(group)) return false
    const result = state.tasks.get(table.graph.idOf(group.children[0] as number))?.result
    if (result?.status !== 'success') return false
    this.#completed.add(group)
    const plan = this.#open(group, growth)
    let isRecorded = false
    for (const definition of readTasks(result.output)) {
      if (isJsonObject(definition) && plan.growing.has(String(definition['id']))) continue
      isRecorded = true
      const [issue] = this.#add(group, plan, definition)
      if (issue === undefined) continue
      this.#fail(group, issue)
      break
    }
    return isRecorded
  }

  #open(group: TaskGroup, { tools, workflows }: GrowthSources): OpenPlan {
    let plan = this.#plans.get(group)
    if (plan === undefined) {
      const { graph } = this.#parts.table
      const allowed = withoutPlanners(tools)
      const growing = growInside(group, { tools: allowed, workflows: workflows?.lookup(allowed) })
      const accepted = group.children.slice(1).map(child => toJson(graph.addedTask(child)?.definition))
      plan = { tools: allowed, growing, accepted }
      this.#plans.set(group, plan)
    }
    return plan
  }

  #add(group: TaskGroup, plan: OpenPlan, definition: unknown): readonly PlanIssue[] {
    const { graph } = this.#parts.table
    const excess = this.#events.reserve(1)
    if (excess !== undefined) return [{ code: 'LIMIT_EXCEEDED', pointer: '', message: excess }]
    const grown = plan.growing.add(definition)
    if (!('planned' in grown)) {
      this.#events.release(1)
      return grown
    }
    const { planned, dependsOn } = grown
    const taskId = group.prefix + planned.id
    if (graph.indexOf(taskId) !== undefined) {
      plan.growing.remove(planned.id)
      this.#events.release(1)
      const message = `Expected ids to be unique, ${quoteName(taskId)} is also the id of another task`
      return [{ code: 'DUPLICATE_TASK_ID', pointer: '/id', message }]
    }
    const json = JsonValue.from(definition)
    plan.accepted.push(json)
    const names = planned.group === undefined ? [] : [definition]
    const workflows = takeFreshWorkflows(this.#parts.growth?.workflows, names, this.#recorded)
    const layer = graph.layerOf(group.parent)
    const ids = dependsOn.map(id => group.prefix + id)
    const added = { taskId, tool: planned.tool.name, layer, dependsOn: ids, held: true, definition: json } as const
    this.#events.grow(group, added, workflows)
    return []
  }

  #fail(group: TaskGroup, { code, pointer, message: text }: PlanIssue): void {
    const { recorder, table } = this.#parts
    const parentId = table.graph.idOf(group.parent)
    const place = pointer === '' ? '' : ` at \`${pointer}\``
    const failure = { code: 'INVALID_WORKFLOW', message: `A planned task is refused: ${code}${place}: ${text}` }
    const message = `Cancelled: the plan of task \`${parentId}\` is refused`
    recorder.record('tasks_stopping', recorder.stamp({ parentId, phase: 'tasks', message, failure }))
  }
}

/** Any output is read: a planner may be of another version. */
function readTasks(output: unknown): readonly unknown[] {
  const value = output instanceof JsonValue ? output.read() : output
  const tasks = isJsonObject(value) ? value['tasks'] : undefined
  return Array.isArray(tasks) ? tasks : []
}

function toJson(definition: unknown): JsonValue {
  return definition instanceof JsonValue ? definition : JsonValue.from(definition)
}
