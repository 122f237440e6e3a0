import type { DagstreamError } from '../../errors.ts'
import type { LogEntry } from '../../events/log-entry.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import { listDocumentIds } from '../../scheduler/growth/document-tasks.ts'
import { TaskTable } from '../../scheduler/task-table.ts'
import type { RoundContext, StartParts } from '../loop-parts.ts'
import type { ResolvedOptions } from '../options.ts'
import { describeTable } from '../remote/create-runners.ts'
import { describeGrowth } from './plan-options.ts'
import { executionEnded } from './growth-queue.ts'
import { expectPatch, type PatchedPlan, type PlanPatch } from './patch-shape.ts'
import { PlanDesk } from './plan-desk.ts'
import type { PlannerReceiver } from './planner-receiver.ts'

/** The task table of an execution without events. */
export function createTable({ plan, streamed }: StartParts, options: ResolvedOptions): TaskTable {
  return new TaskTable(plan, { ...describeTable(options), ...describeGrowth(streamed) })
}

/** The growth of the document of one execution. Most documents do not grow. */
export class Growth {
  readonly #start: StartParts
  readonly #table: TaskTable
  readonly #state: ExecutionState
  readonly #context: RoundContext
  readonly #countTasks: () => number
  #desk: PlanDesk | undefined

  /** @param countTasks tasks of the execution, with those that are still to come */
  constructor(
    start: StartParts,
    table: TaskTable,
    state: ExecutionState,
    context: RoundContext,
    countTasks: () => number,
  ) {
    this.#countTasks = countTasks
    this.#start = start
    this.#table = table
    this.#state = state
    this.#context = context
  }

  /** Where tasks join the document, made on first use; `undefined` if none can. */
  get desk(): PlanDesk | undefined {
    const { growth, plan, input } = this.#start
    if (this.#desk !== undefined || growth === undefined) return this.#desk
    const { recorder, cancel } = this.#context
    const own = { table: this.#table, state: this.#state, countTasks: this.#countTasks }
    const parts = { ...growth, ...own, plan, input, recorder, cancel }
    return (this.#desk = new PlanDesk(parts))
  }

  /** Takes the steps of planners at other servers; `undefined` until the desk has one. */
  get planners(): PlannerReceiver | undefined {
    return this.#desk?.planners
  }

  /** The tasks of the document, in the order of the results. */
  get tasks(): readonly { readonly id: string }[] {
    return listDocumentIds(this.#table.graph)
  }

  /** Records what has been asked for. @returns whether there was something */
  record(): boolean {
    // Its start is recorded before the first slice, and is in the log after it.
    return this.#state.status !== 'pending' && this.#desk?.record() === true
  }

  /** As `patchExecution`. */
  async patch(patch: PlanPatch, onRecorded?: (patched: PatchedPlan) => void): Promise<PatchedPlan> {
    const given = expectPatch(patch)
    const { desk } = this
    if (desk === undefined) throw executionEnded()
    return desk.patch(given, onRecorded)
  }

  /** An entry is in the log. */
  applied(entry: LogEntry): void {
    this.#desk?.applied(entry)
  }

  /** The execution has ended. @param failure that of its log */
  close(failure?: DagstreamError): void {
    this.#desk?.close(failure)
  }
}
