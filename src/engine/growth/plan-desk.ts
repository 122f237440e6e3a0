import type { DagstreamError } from '../../errors.ts'
import type { LogEntry } from '../../events/log-entry.ts'
import type { AddedTask, PlanIssue, Reason } from '../../events/events.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import { JsonValue } from '../../events/json-value.ts'
import type { ExecutionPlan } from '../../plan/execution-plan.ts'
import { GrowingPlan, type GrownTask } from '../../plan/growing-plan.ts'
import type { TaskTable } from '../../scheduler/task-table.ts'
import { type DAGStructure, LIMITS } from '../../workflow/document.ts'
import type { Recorder } from '../recorder.ts'
import type { GrowthSources } from './growth-sources.ts'
import { executionEnded, GrowthQueue, type PendingPatch } from './growth-queue.ts'
import type { PatchedPlan, PlanPatch } from './patch-shape.ts'
import { growBy, preparePatch } from './plan-patch.ts'
import type { PlannerReceiver } from './planner-receiver.ts'
import { RecordedFirst } from './recorded-first.ts'

/** The parts of an execution that its growth works with. */
export interface PlanDeskParts extends GrowthSources {
  readonly table: TaskTable
  readonly plan: ExecutionPlan
  readonly input: JsonValue | undefined
  readonly state: ExecutionState
  readonly recorder: Recorder
  readonly cancel: (reason: Reason) => void
  /** Number of tasks of the execution, with those that are still to come. */
  readonly countTasks: () => number
}

function describeAdded({ planned, dependsOn }: GrownTask, definition: JsonValue, line?: number): AddedTask {
  const { id: taskId, tool, layer } = planned
  return { taskId, tool: tool.name, layer, dependsOn, ...(line !== undefined && { line }), definition }
}

/** Adds tasks to the document of a running execution: each is checked at once, and joins in the next round. */
export class PlanDesk {
  /** Resolves once the log has the end of the plan: its seal, or that the execution stops. */
  readonly completed: Promise<void>
  /** Set by a host that takes the lines of planners at other servers. */
  planners: PlannerReceiver | undefined = undefined
  readonly #parts: PlanDeskParts
  readonly #queue: GrowthQueue
  readonly #growing: GrowingPlan
  readonly #lookup: RecordedFirst
  /** Registered workflows that the log has. */
  readonly #recorded: Set<string>
  #complete!: () => void

  constructor(parts: PlanDeskParts) {
    const { plan, input, tools, workflows, table, state } = parts
    this.#parts = parts
    this.completed = new Promise(resolve => (this.#complete = resolve))
    this.#queue = new GrowthQueue(parts)
    const { root } = table.graph
    const { grown } = root
    this.#lookup = new RecordedFirst(plan, state, tools, workflows?.lookup(tools))
    const context = { tools, workflows: this.#lookup }
    this.#growing = grown instanceof GrowingPlan ? grown : new GrowingPlan(plan, input, context)
    // After a replay: what comes now is not recorded by an earlier version.
    if (grown !== undefined) this.#growing.use(context)
    root.grown = this.#growing
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
    if (this.#parts.countTasks() + this.#queue.waitingCount >= LIMITS.maxExecutionTasks) {
      const most = LIMITS.maxExecutionTasks.toLocaleString('en')
      return [{ code: 'LIMIT_EXCEEDED', pointer: '', message: `Expected at most ${most} tasks in an execution` }]
    }
    const grown = this.#growing.add(definition)
    if (!('planned' in grown)) return grown
    const { planned } = grown
    const added = describeAdded(grown, json === undefined ? JsonValue.from(definition) : JsonValue.fromText(json), line)
    this.#queue.add(added, planned.group === undefined ? undefined : this.#findWorkflows([definition]))
    return undefined
  }

  /**
   * Changes the document: all of the patch, or nothing.
   * @param patch of `expectPatch`
   * @param onRecorded called when it is recorded, in the same turn
   * @returns settles once it is in the log; rejects with `PLAN_CONFLICT`, `INVALID_WORKFLOW`, `EXECUTION_ENDED`, or the failure
   * of the log
   */
  patch(patch: Required<PlanPatch>, onRecorded: (patched: PatchedPlan) => void = () => {}): Promise<PatchedPlan> {
    const { table, countTasks } = this.#parts
    const prepare: PendingPatch['prepare'] = () => {
      if (this.isClosed || table.graph.root.isFinallyOpen) throw this.#queue.failure ?? executionEnded()
      const known = { ...this.#parts, workflows: this.#lookup, taskCount: countTasks() }
      const prepared = preparePatch(patch, known)
      const grown = growBy(this.#growing, prepared)
      const added = grown.map((task, at) => describeAdded(task, JsonValue.from(prepared.tasks[at])))
      const parents = prepared.tasks.filter((_, at) => grown[at]?.planned.group !== undefined)
      return { removed: prepared.removed, added, workflows: this.#findWorkflows(parents) }
    }
    return new Promise<PatchedPlan>((resolve, reject) => {
      if (this.isClosed) reject(this.#queue.failure ?? executionEnded())
      else this.#queue.patch({ prepare, onRecorded, resolve, reject })
    })
  }

  /** An entry is in the log. */
  applied(entry: LogEntry): void {
    const { type } = entry
    if (type === 'plan_sealed' || type === 'execution_stopping') this.#complete()
    else if (type === 'tasks_added' || type === 'tasks_removed') this.#queue.applied(entry)
  }

  /** Records that a line is left out, or, with a reason, that it ends the execution. */
  reject(line: number, issues: readonly PlanIssue[], reason?: Reason): void {
    this.#queue.reject(line, issues, reason)
  }

  /** The plan is complete. */
  seal(): void {
    if (!this.#parts.table.hold.isSealed) this.#queue.seal()
  }

  /**
   * Calls back once all that was added, refused and sealed before is recorded, in the same turn.
   * @returns settles after that; `false`: it never will be
   */
  mark(onRecorded: () => void): Promise<boolean> {
    return this.#queue.mark(onRecorded)
  }

  /** The execution has ended: nothing waits for room any more. @param failure that of its log */
  close(failure?: DagstreamError): void {
    this.#queue.close(failure)
  }

  /** Records what has been asked for. @returns whether there was something */
  record(): boolean {
    return this.#queue.record()
  }

  /** The registered workflows that tasks name, which the log does not have yet. */
  #findWorkflows(tasks: readonly unknown[]): Readonly<Record<string, unknown>> | undefined {
    const { workflows } = this.#parts
    const named = workflows?.record({ tasks } as unknown as DAGStructure).workflows
    const fresh = Object.entries(named ?? {}).filter(([name]) => !this.#recorded.has(name) && !this.#lookup.has(name))
    for (const [name] of fresh) this.#recorded.add(name)
    return fresh.length === 0 ? undefined : Object.fromEntries(fresh)
  }
}
