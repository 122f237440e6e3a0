import { DagstreamError, expectObject, invalidOption } from '../../errors.ts'
import { compileWorkflow } from '../../plan/compile.ts'
import { ExecutionPlan } from '../../plan/execution-plan.ts'
import { WorkflowRegistry, type WorkflowSource } from '../../plan/workflow-registry.ts'
import { ToolRegistry, type ToolSource } from '../../tools/registry.ts'
import type { DAGStructure, DAGTask } from '../../workflow/document.ts'
import { createCounters, type ExecutorCounters, type MutableCounters } from '../counters.ts'
import { Execution } from './execution.ts'
import type { ExecutionLoop } from '../execution-loop.ts'
import { calculateSpeedup, type ExecutionResult } from '../execution-result.ts'
import { type ExecutionInput, launch, type LaunchParts } from './launch.ts'
import { observeResumed } from '../observers/observe-launch.ts'
import { type ExecutionOptions, type ResolvedOptions, resolveOptions } from '../options.ts'
import type { PlanSource } from '../growth/plan-lines.ts'
import { resumePlan } from '../growth/resume-plan.ts'
import { resumeLoop } from '../resume/resume.ts'
import { type ForkRequest, prepareFork } from '../reuse/prepare-fork.ts'
import type { ExecutionStore, StoredExecution } from '../../store/execution-store.ts'

/** Options of an executor: the options of its executions, and the workflows that they share. */
export interface ExecutorOptions extends ExecutionOptions {
  /** The workflows that tasks may name: documents by name, all of them checked at once, or a registry. */
  readonly workflows?: WorkflowSource
}

/** Options of one call of `execute`: input, signal, and options that override those of the executor. */
export type ExecuteOptions = ExecutionInput & ExecutionOptions

/** What a fork differs in from the execution that it is made from. */
export interface ForkOptions extends ForkRequest {
  /** Options that win over those that the execution began with. */
  readonly options?: ExecutionOptions
  /** Cancels the fork. */
  readonly signal?: AbortSignal
}

/** Options of `resume`. */
export interface ResumeOptions {
  /** The rest of a plan that was still being written. @defaultValue none */
  readonly plan?: PlanSource
}

/**
 * Runs the tasks of workflows in parallel and returns the results at the end.
 *
 * An executor holds tools and options but no state of executions: it can be used any number of times, also concurrently.
 */
export class ParallelExecutor {
  protected readonly tools: ToolRegistry
  protected readonly options: ExecutionOptions
  readonly #workflows: WorkflowRegistry | undefined
  readonly #counters: MutableCounters = createCounters()

  /** @throws `INVALID_TOOL`, `INVALID_OPTION`, `INVALID_WORKFLOW` for one of `workflows` */
  constructor(tools: ToolSource, options: ExecutorOptions = {}) {
    this.tools = ToolRegistry.from(tools)
    const { workflows, ...rest } = expectObject('options', options)
    resolveOptions(rest)
    this.options = rest
    this.#workflows = workflows === undefined ? undefined : WorkflowRegistry.from(workflows, this.tools)
  }

  /**
   * Runs a workflow to its end.
   * @returns resolves for every ending, also when tasks fail; rejects with a `DagstreamError`: `INVALID_WORKFLOW`,
   * `INVALID_OPTION`, or `STORE_FAILED`, `FENCED`, `SEQ_CONFLICT` when the log could not be kept
   */
  async execute(workflow: DAGStructure | ExecutionPlan, options: ExecuteOptions = {}): Promise<ExecutionResult> {
    const { input, signal, traceparent, ...rest } = expectObject('options', options)
    const given = { input, signal, traceparent, isAttended: false }
    return this.launch(workflow, given, resolveOptions(this.options, rest)).result
  }

  /**
   * Resumes an unfinished execution of this executor's store. Settled tasks are not called again; interrupted attempts run
   * again with the same `idempotencyKey`; new events follow the last recorded one. The options are the original ones. A
   * process that still runs the execution gets `FENCED`. An unsealed plan continues with the lines of
   * `plan`, which follow the last line in the log (`planLine` of a `snapshot`); without `plan` it has broken off.
   *
   * @returns the execution, readable from its first event on; if it has ended, its events and its result. Rejects with
   * `EXECUTION_NOT_FOUND`, with `RECORD_UNUSABLE` for a damaged record or log, with `INVALID_OPTION` for an executor without
   * a store, and with what the store throws
   */
  async resume(executionId: string, { plan }: ResumeOptions = {}): Promise<Execution> {
    const options = resolveOptions(this.options)
    const { clock, logger } = options
    const { store, stored } = await this.#find(executionId, options, 'resume')
    const onRestored = (restored: ExecutionLoop): void => observeResumed(options, stored, restored)
    const context = { tools: this.tools, workflows: this.#workflows, options, counters: this.#counters, onRestored }
    const loop = await resumeLoop(stored, store, context)
    // Its options have been read already: it cannot reject.
    void resumePlan(loop, stored, plan)
    return new Execution(loop, { clock, logger })
  }

  /**
   * Starts a new execution that takes over what an execution of this executor's store has done: the outputs of tasks that
   * succeeded and did not change, which are not called again. Changed are a task with another tool, another `Tool.version` or
   * other arguments, the tasks of `from`, and all that depend on them. The old execution stays as it is, and may still run.
   *
   * @returns the new one; rejects with `EXECUTION_NOT_FOUND`, with `UNKNOWN_TASK` for a task of `from` that there is not, with
   * `INVALID_WORKFLOW`, with `RECORD_UNUSABLE` for a damaged record or log, with `INVALID_OPTION` also for an executor without
   * a store, and with what the store throws
   */
  async fork(executionId: string, options: ForkOptions = {}): Promise<Execution> {
    const { from = [], workflow, input, options: given, signal, ...unknown } = expectObject('options', options)
    for (const [name, value] of Object.entries(unknown)) throw invalidOption(name, 'absent: it is not an option', value)
    if (!Array.isArray(from) || from.some(id => typeof id !== 'string')) throw invalidOption('from', 'task ids', from)
    resolveOptions(this.options, given)
    const { store, stored } = await this.#find(executionId, resolveOptions(this.options), 'fork')
    const { options: recorded, ...prepared } = await prepareFork(stored, store, { from, workflow, input })
    const resolved = resolveOptions(this.options, recorded, given)
    const { owner } = stored
    const loop = this.launch(prepared.workflow, { signal, owner, ...prepared }, resolved)
    const { clock, logger } = resolved
    return new Execution(loop, { clock, logger })
  }

  async #find(
    executionId: string,
    { store }: ResolvedOptions,
    what: 'resume' | 'fork',
  ): Promise<{ readonly store: ExecutionStore; readonly stored: StoredExecution }> {
    if (store === undefined) throw invalidOption('store', `that of the execution, to ${what} it`, store)
    const stored = await store.get(executionId)
    if (stored !== undefined) return { store, stored }
    throw new DagstreamError('EXECUTION_NOT_FOUND', `The store has no execution \`${executionId}\``)
  }

  /** Counters of all executions of this executor. */
  get counters(): ExecutorCounters {
    return { ...this.#counters }
  }

  /**
   * Computes the layers: the tasks of the document, in document order within a layer. For a plan, the tasks that it kept.
   * @throws `INVALID_WORKFLOW`
   */
  topologicalSort(workflow: DAGStructure | ExecutionPlan): DAGTask[][] {
    const plan = compileWorkflow(workflow, this.tools, this.#workflows && { workflows: this.#workflows })
    const tasks = ExecutionPlan.is(workflow)
      ? plan.tasks.map((_, index) => plan.describeTask(index))
      : [...workflow.tasks, ...(workflow.finally ?? [])]
    return plan.layerIndices.map(layer => layer.map(index => tasks[index] as DAGTask))
  }

  /** The sum of task times over wall time: 0 with no tasks, 1 at zero wall time, always finite. */
  calculateSpeedup(result: Pick<ExecutionResult, 'results' | 'executionTimeMs'>): number {
    return calculateSpeedup(
      result.results.map(task => task.executionTimeMs),
      result.executionTimeMs,
    )
  }

  /** Starts an execution. @throws as `launch` does */
  protected launch(
    workflow: DAGStructure | ExecutionPlan,
    given: LaunchParts & {
      readonly input?: unknown
      readonly signal?: AbortSignal | undefined
      readonly traceparent?: string | undefined
    },
    options: ResolvedOptions,
  ): ExecutionLoop {
    const { signal, traceparent, ...parts } = given
    const called = { ...(signal && { signal }), ...(traceparent !== undefined && { traceparent }) }
    const launched = { ...parts, ...called, workflows: this.#workflows }
    return launch(workflow, this.tools, launched, options, this.#counters)
  }
}
