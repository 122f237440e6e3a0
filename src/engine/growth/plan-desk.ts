import type { AddedTask, PlanIssue, Reason } from '../../events/events.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import { JsonValue } from '../../events/json-value.ts'
import type { ExecutionPlan } from '../../plan/execution-plan.ts'
import { GrowingPlan } from '../../plan/growing-plan.ts'
import type { WorkflowRegistry } from '../../plan/workflow-registry.ts'
import type { TaskTable } from '../../scheduler/task-table.ts'
import type { ToolRegistry } from '../../tools/registry.ts'
import { type DAGStructure, LIMITS } from '../../workflow/document.ts'
import type { Recorder } from '../recorder.ts'
import { GrowthQueue } from './growth-queue.ts'

/** What added tasks may name. */
export interface GrowthSources {
  readonly tools: ToolRegistry
  readonly workflows?: WorkflowRegistry | undefined
}

/** The parts of an execution that its growth works with. */
export interface PlanDeskParts extends GrowthSources {
  readonly table: TaskTable
  readonly plan: ExecutionPlan
  readonly input: JsonValue | undefined
  readonly state: ExecutionState
  readonly recorder: Recorder
  readonly cancel: (reason: Reason) => void
}

/** Adds tasks to the document of a running execution: each is checked at once, and joins in the next round. */
export class PlanDesk {
  readonly #parts: PlanDeskParts
  readonly #queue: GrowthQueue
  readonly #growing: GrowingPlan
  /** Registered workflows that the log has. */
  readonly #recorded: Set<string>

  constructor(parts: PlanDeskParts) {
    const { plan, input, tools, workflows, table, state } = parts
    this.#parts = parts
    this.#queue = new GrowthQueue(parts)
    const { grown } = table.graph
    this.#growing =
      grown instanceof GrowingPlan
        ? grown
        : new GrowingPlan(plan, input, { tools, workflows: workflows?.lookup(tools) })
    // After a replay: what comes now is not recorded by an earlier version.
    if (grown !== undefined) this.#growing.use({ tools, workflows: workflows?.lookup(tools) })
    table.graph.grown = this.#growing
    this.#recorded = new Set(Object.keys(state.addedWorkflows ?? {}))
  }

  /** Whether nothing joins any more. */
  get isClosed(): boolean {
    return this.#parts.recorder.isClosed || this.#parts.table.stop !== undefined || this.#queue.isEnding
  }

  /** Whether the plan is complete, by the log. */
  get isSealed(): boolean {
    return this.#parts.table.hold.isSealed
  }

  /** Resolves once there is room for further tasks. `undefined`: at once. */
  get room(): Promise<void> | undefined {
    return this.#queue.room
  }

  /** The number of physical lines that were accepted or left out, with those that are not in the log yet. */
  get line(): number {
    return this.#queue.line ?? this.#parts.state.planLine ?? 0
  }

  /**
   * Adds a task. @param json its text, if that is known
   * @returns its issues if it is refused: nothing has changed then
   */
  add(definition: unknown, line?: number, json?: string): readonly PlanIssue[] | undefined {
    const { totalTasks } = this.#parts.state.counts
    if (totalTasks + this.#queue.waitingCount >= LIMITS.maxExecutionTasks) {
      const most = LIMITS.maxExecutionTasks.toLocaleString('en')
      return [{ code: 'LIMIT_EXCEEDED', pointer: '', message: `Expected at most ${most} tasks in an execution` }]
    }
    const grown = this.#growing.add(definition)
    if (!('planned' in grown)) return grown
    const { planned, dependsOn } = grown
    const added: AddedTask = {
      taskId: planned.id,
      tool: planned.tool.name,
      layer: planned.layer,
      dependsOn,
      ...(line !== undefined && { line }),
      definition: json === undefined ? JsonValue.from(definition) : JsonValue.fromText(json),
    }
    this.#queue.add(added, planned.group === undefined ? undefined : this.#findWorkflows(definition))
    return undefined
  }

  /** Records that a line is left out, or, with a reason, that it ends the execution. */
  reject(line: number, issues: readonly PlanIssue[], reason?: Reason): void {
    this.#queue.reject(line, issues, reason)
  }

  /** The plan is complete. */
  seal(): void {
    if (!this.#parts.table.hold.isSealed) this.#queue.seal()
  }

  /** The execution has ended: nothing waits for room any more. */
  close(): void {
    this.#queue.close()
  }

  /** Records what has been asked for, with all earlier entries applied. @returns whether there was something */
  record(): boolean {
    return this.#queue.record()
  }

  /** The registered workflows that a task names, which the log does not have yet. */
  #findWorkflows(definition: unknown): Readonly<Record<string, unknown>> | undefined {
    const { workflows } = this.#parts
    const named = workflows?.record({ tasks: [definition] } as unknown as DAGStructure).workflows
    const fresh = Object.entries(named ?? {}).filter(([name]) => !this.#recorded.has(name))
    for (const [name] of fresh) this.#recorded.add(name)
    return fresh.length === 0 ? undefined : Object.fromEntries(fresh)
  }
}
