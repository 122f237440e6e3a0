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

/** Options of an executor: those of its executions, and what they share. */
export interface ExecutorOptions extends ExecutionOptions {
  /** The workflows that tasks may name: documents by name, all of them checked at once, or a registry. */
  readonly workflows?: WorkflowSource
}

/** What one call of `execute` takes: input and signal, and options that win over the executor's. */
export type ExecuteOptions = ExecutionInput & ExecutionOptions

/** What one execution is given. */
interface LaunchedInput {
  readonly input?: unknown
  readonly signal?: AbortSignal | undefined
  /** Whether somebody may answer its questions. @defaultValue true */
  readonly isAttended?: boolean
}

/**
 * Runs workflows of tool tasks in parallel and gives their results at the end.
 *
 * An executor holds tools and options and no execution: use it any number of times, also at once.
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
   * Goes on with an execution that its process left unfinished in this executor's store: what has settled stays and is not
   * called again, what was cut runs again with the same `idempotencyKey`, and events go on behind the last one. Options are
   * those that it began with. A process that still runs it gets `FENCED`.
   *
   * @returns it, from its first event on; of one that has ended, its events and its result. Rejects with
   * `EXECUTION_NOT_FOUND`, with `RECORD_UNUSABLE` for a damaged record or log, with `INVALID_OPTION` for an executor without a
   * store, and with what the store throws
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

  /** What its executions left behind so far. */
  get counters(): ExecutorCounters {
    return { ...this.#counters }
  }

  /**
   * The layers: tasks as the document has them, in document order within each; of a plan, what it kept of them.
   * @throws `INVALID_WORKFLOW`
   */
  topologicalSort(workflow: DAGStructure | ExecutionPlan): DAGTask[][] {
    const plan = compileWorkflow(workflow, this.tools, this.#workflows && { workflows: this.#workflows })
    const tasks = ExecutionPlan.is(workflow)
      ? plan.tasks.map((_, index) => plan.describeTask(index))
      : [...workflow.tasks, ...(workflow.finally ?? [])]
    return plan.layerIndices.map(layer => layer.map(index => tasks[index] as DAGTask))
  }

  /** The sum of task times over wall time: 0 with no tasks, 1 at zero wall time, finite always. */
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
