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
import { type ExecutionInput, launch } from './launch.ts'
import { type ExecutionOptions, type ResolvedOptions, resolveOptions } from '../options.ts'
import { resumeLoop } from '../resume/resume.ts'

/** Options of an executor: the options of its executions, and the workflows that they share. */
export interface ExecutorOptions extends ExecutionOptions {
  /** The workflows that tasks may name: documents by name, all of them checked at once, or a registry. */
  readonly workflows?: WorkflowSource
}

/** Options of one call of `execute`: input, signal, and options that override those of the executor. */
export type ExecuteOptions = ExecutionInput & ExecutionOptions

/** What one execution is given. */
interface LaunchedInput {
  readonly input?: unknown
  readonly signal?: AbortSignal | undefined
  /** Whether somebody may answer its questions. @defaultValue true */
  readonly isAttended?: boolean
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
    const { input, signal, ...rest } = expectObject('options', options)
    return this.launch(workflow, { input, signal, isAttended: false }, resolveOptions(this.options, rest)).result
  }

  /**
   * Resumes an unfinished execution of this executor's store. Settled tasks are not called again; interrupted attempts run
   * again with the same `idempotencyKey`; new events follow the last recorded one. The options are the original ones. A
   * process that still runs the execution gets `FENCED`.
   *
   * @returns the execution, readable from its first event on; if it has ended, its events and its result. Rejects with
   * `EXECUTION_NOT_FOUND`, with `RECORD_UNUSABLE` for a damaged record or log, with `INVALID_OPTION` for an executor without
   * a store, and with what the store throws
   */
  async resume(executionId: string): Promise<Execution> {
    const options = resolveOptions(this.options)
    const { store, clock, logger } = options
    if (store === undefined) throw invalidOption('store', 'that of the execution, to resume it', store)
    const stored = await store.get(executionId)
    if (stored === undefined) {
      throw new DagstreamError('EXECUTION_NOT_FOUND', `The store has no execution \`${executionId}\``)
    }
    const loop = await resumeLoop(stored, store, { tools: this.tools, options, counters: this.#counters })
    return new Execution(loop, { clock, logger })
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
    { input, signal, isAttended = true }: LaunchedInput,
    options: ResolvedOptions,
  ): ExecutionLoop {
    const given = {
      input,
      isAttended,
      ...(signal && { signal }),
      ...(this.#workflows && { workflows: this.#workflows }),
    }
    return launch(workflow, this.tools, given, options, this.#counters)
  }
}
