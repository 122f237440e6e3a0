import { compileWorkflow } from '../plan/compile.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import { ToolRegistry, type ToolSource } from '../tools/registry.ts'
import type { DAGStructure, DAGTask } from '../workflow/document.ts'
import { calculateSpeedup, type ExecutionResult } from './execution-result.ts'
import { type ExecutionInput, launch } from './launch.ts'
import { type ExecutionOptions, resolveOptions } from './options.ts'

/** What one call of `execute` takes: input and signal, and options that win over the executor's. */
export type ExecuteOptions = ExecutionInput & ExecutionOptions

/**
 * Runs workflows of tool tasks in parallel and gives their results at the end.
 *
 * An executor holds tools and options and no execution: use it any number of times, also at once.
 */
export class ParallelExecutor {
  protected readonly tools: ToolRegistry
  protected readonly options: ExecutionOptions

  /** @throws `INVALID_TOOL`, `INVALID_OPTION` */
  constructor(tools: ToolSource, options: ExecutionOptions = {}) {
    this.tools = ToolRegistry.from(tools)
    resolveOptions(options)
    this.options = { ...options }
  }

  /**
   * Runs a workflow to its end.
   * @returns resolves for every ending, also when tasks fail; rejects with a `DagstreamError`: `INVALID_WORKFLOW`,
   * `INVALID_OPTION`, or `STORE_FAILED`, `FENCED`, `SEQ_CONFLICT` when the log could not be kept
   */
  async execute(workflow: DAGStructure | ExecutionPlan, options: ExecuteOptions = {}): Promise<ExecutionResult> {
    const { input, signal, ...rest } = options
    return launch(workflow, this.tools, withSignal(input, signal), resolveOptions(this.options, rest)).result
  }

  /** The layers: tasks as the document has them, in document order within each. @throws `INVALID_WORKFLOW` */
  topologicalSort(workflow: DAGStructure): DAGTask[][] {
    const plan = compileWorkflow(workflow, this.tools)
    return plan.layerIndices.map(layer => layer.map(index => workflow.tasks[index] as DAGTask))
  }

  /** The sum of task times over wall time: 0 with no tasks, 1 at zero wall time, finite always. */
  calculateSpeedup(result: Pick<ExecutionResult, 'results' | 'executionTimeMs'>): number {
    return calculateSpeedup(
      result.results.map(task => task.executionTimeMs),
      result.executionTimeMs,
    )
  }
}

/** `exactOptionalPropertyTypes` tells an absent signal from an undefined one; callers need not. */
export function withSignal(input: unknown, signal: AbortSignal | undefined): ExecutionInput {
  return { input, ...(signal && { signal }) }
}
