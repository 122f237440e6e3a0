import { DagstreamError } from '../errors.ts'
import { readInputError } from '../attempt/tool-error.ts'
import type { ExecutionCounts, ExecutionTotals, Schedule } from '../events/events.ts'
import type { ExecutionState } from '../events/execution-state.ts'
import { JsonValue } from '../events/json-value.ts'
import type { TokenUsage } from '../events/token-usage.ts'
import type { LoggedData } from '../events/wire-json.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import { round } from '../round.ts'
import { computeDocumentPath, countLayers, hasGrown } from '../scheduler/growth/document-tasks.ts'
import { describeLost, MAX_CRASHES } from './resume/parking.ts'
import { PHASE } from '../scheduler/task-columns.ts'
import { computeFinalStatus } from '../scheduler/group-status.ts'
import type { TaskTable } from '../scheduler/task-table.ts'
import { LIMITS } from '../workflow/document.ts'
import { resolveTemplate } from '../workflow/template.ts'
import { cutMessage } from './emissions.ts'
import { calculateSpeedup, summarise } from './execution-result.ts'
import type { ExecutionTasks } from './execution-tasks.ts'
import type { Scopes } from './groups/scopes.ts'
import type { StartParts } from './loop-parts.ts'
import type { Recorder } from './recorder.ts'
import { describeEnding } from './task-events.ts'

/** Records the events that no attempt causes: the start, the ends of tasks that do not run, the end of the execution. */
export class Milestones {
  readonly #plan: ExecutionPlan
  readonly #table: TaskTable
  readonly #tasks: ExecutionTasks
  readonly #recorder: Recorder
  readonly #scopes: Scopes
  readonly #closeInputs: (task: number) => void
  readonly #start: Pick<StartParts, 'streamed' | 'outlook'>
  /** That it is parked is recorded. */
  #isParking = false

  /** @param closeInputs closes the open questions of a task that ends */
  constructor(
    start: Pick<StartParts, 'plan' | 'streamed' | 'outlook'>,
    table: TaskTable,
    tasks: ExecutionTasks,
    recorder: Recorder,
    scopes: Scopes,
    closeInputs: (task: number) => void,
  ) {
    this.#start = start
    this.#plan = start.plan
    this.#table = table
    this.#tasks = tasks
    this.#recorder = recorder
    this.#scopes = scopes
    this.#closeInputs = closeInputs
  }

  /**
   * Records the start of an execution without events, and orders its starts: after a crash by the estimates in the log, so that the
   * order is the same.
   */
  begin(state: ExecutionState, schedule: Schedule): void {
    const isNew = state.status === 'pending'
    const { outlook } = this.#start
    if (isNew) this.#recordStart(schedule)
    const estimatesMs = isNew ? outlook?.estimatesMs : state.estimatesMs
    if (estimatesMs !== undefined) this.#table.starts.preferBy(estimatesMs)
  }

  #recordStart(schedule: Schedule): void {
    const { streamed, outlook } = this.#start
    const { name, layers, tasks, finallyLayer } = this.#plan
    const finallyFrom = finallyLayer < layers.length ? { finallyFrom: finallyLayer } : {}
    const growing = streamed && { unsealed: true as const, planLine: streamed.firstLine }
    const more = { ...(name !== undefined && { name }), ...finallyFrom, ...growing, ...outlook }
    const data = { totalTasks: tasks.length, layers, schedule, ...more }
    this.#recorder.record('execution_start', this.#recorder.stamp(data))
  }

  /**
   * Parks the execution if a task that is to run again has lost its worker too often.
   * @param leave called once that is in the log
   * @returns whether it is being parked
   */
  park(leave: (failure: DagstreamError) => void): boolean {
    const { crashes, history, graph, columns } = this.#table
    if (history.parked !== undefined) {
      if (this.#recorder.isEmpty) leave(new DagstreamError('CRASH_LIMIT', history.parked.message))
      return true
    }
    if (this.#isParking) return true
    const again = crashes.list(MAX_CRASHES).filter(task => columns.phase[task] === PHASE.ready)
    if (again.length === 0) return false
    this.#isParking = true
    this.#recorder.record('execution_parked', this.#recorder.stamp(describeLost(again.map(task => graph.idOf(task)))))
    return true
  }

  /** Ends tasks without running them. @returns how many, at most `count` */
  endTasks(count: number, now: number): number {
    for (let ended = 0; ended < count; ended++) {
      const next = this.#table.takeEnding()
      if (next === undefined) return ended
      const { task, ending } = next
      this.#closeInputs(task)
      const data = describeEnding(this.#recorder, this.#tasks.at(task), task, ending, this.#table.columns, now)
      this.#recorder.record('task_complete', data, task)
    }
    return count
  }

  /** @param tookMs run time of the execution */
  end(counts: ExecutionCounts, tokenUsage: TokenUsage | undefined, tookMs: number): ExecutionEnd {
    const { columns, graph, stop } = this.#table
    const status = computeFinalStatus(this.#table, graph.root)
    const output = this.#resolveOutput()
    const isSpoilt = output.outputError !== undefined && status === 'success'
    const end: ExecutionEnd = {
      executionId: this.#recorder.executionId,
      timestamp: this.#recorder.timestamp,
      status: isSpoilt ? 'partial' : status,
      ...(status === 'cancelled' && stop?.reason && { reason: stop.reason }),
      ...counts,
      ...(graph.usesLanguage && { toleratedCount: counts.toleratedCount ?? 0 }),
      ...this.#summarise(columns.spentMs, round(tookMs)),
      ...(tokenUsage && { tokenUsage }),
      ...output,
    }
    this.#recorder.record('execution_complete', end)
    return end
  }

  #summarise(timesMs: ArrayLike<number>, totalExecutionTimeMs: number): ExecutionTotals {
    const { graph } = this.#table
    const attemptTimesMs = this.#attemptTimes()
    if (!hasGrown(graph)) return summarise(this.#plan, timesMs, attemptTimesMs, totalExecutionTimeMs)
    return {
      totalExecutionTimeMs,
      speedup: calculateSpeedup(attemptTimesMs, totalExecutionTimeMs),
      criticalPathMs: computeDocumentPath(graph, timesMs),
      parallelizationLayers: countLayers(graph),
    }
  }

  /** The times of all tasks without those of parents, which consist of the times of their children. */
  #attemptTimes(): ArrayLike<number> {
    const { columns, graph } = this.#table
    if (!graph.usesLanguage) return columns.spentMs.subarray(0, graph.size)
    const times: number[] = []
    for (let task = 0; task < graph.size; task++) {
      if (graph.taskAt(task)?.group === undefined) times.push(columns.spentMs[task] as number)
    }
    return times
  }

  /** Resolves the workflow's `output`, or returns the error that prevents it. */
  #resolveOutput(): Partial<Pick<ExecutionEnd, 'output' | 'outputError'>> {
    const { output } = this.#plan
    if (output === undefined) return {}
    const { root } = this.#table.graph
    try {
      const value = JsonValue.from(resolveTemplate(output, this.#scopes.ofGroup(root)).value)
      if (value.weight > LIMITS.maxOutputBytes || value.byteLength > LIMITS.maxOutputBytes) {
        const message = `Expected an output of at most ${LIMITS.maxOutputBytes} bytes of JSON, got ${value.byteLength}`
        return { outputError: { code: 'OUTPUT_TOO_LARGE', message } }
      }
      return { output: value }
    } catch (error) {
      const { code, message } = readInputError(error)
      return { outputError: { code, message: cutMessage(message) } }
    }
  }
}

/** The data of `execution_complete` as it is logged. */
export type ExecutionEnd = LoggedData<'execution_complete'>
