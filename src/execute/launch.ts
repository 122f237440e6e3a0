import { DagstreamError, invalidOption } from '../errors.ts'
import { prepareExecution } from '../plan/compile.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import type { ExecutionStore } from '../store/execution-store.ts'
import type { Lease, LogStorage } from '../stream/event-log.ts'
import type { ToolRegistry } from '../tools/registry.ts'
import type { DAGStructure } from '../workflow/document.ts'
import type { MutableCounters } from './counters.ts'
import { ExecutionLoop } from './execution-loop.ts'
import type { ResolvedOptions } from './options.ts'

/** What one execution is given beside its options. */
export interface ExecutionInput {
  /** What `$INPUT` refers to; must be JSON. */
  readonly input?: unknown
  /** Cancels the execution. */
  readonly signal?: AbortSignal
}

/** Keeps nothing beyond the log's own tail: for executions that only their caller ever sees. */
const NO_STORE: LogStorage = { append() {}, read: () => [], putOutput() {}, getOutput: () => undefined }

/**
 * Starts an execution; a store that fails makes its result reject.
 * @throws `INVALID_WORKFLOW` for a workflow or an input with problems, `INVALID_OPTION` for an input that is not JSON, a
 * signal that is none, or an unusable id
 */
export function launch(
  workflow: DAGStructure | ExecutionPlan,
  tools: ToolRegistry,
  { input: given, signal }: ExecutionInput,
  options: ResolvedOptions,
  counters: MutableCounters,
): ExecutionLoop {
  const { plan, input } = prepareExecution(workflow, tools, given)
  if (signal !== undefined && typeof signal.addEventListener !== 'function') {
    throw invalidOption('signal', 'an AbortSignal', signal)
  }
  const executionId = options.createId()
  if (typeof executionId !== 'string' || !/^[A-Za-z0-9_-]{1,128}$/.test(executionId)) {
    throw invalidOption('createId', 'a function that makes ids of 1–128 characters of [A-Za-z0-9_-]', executionId)
  }
  const { store } = options
  const loop = new ExecutionLoop(executionId, plan, input, options, store ?? NO_STORE, counters)
  if (store === undefined) loop.start({ executionId, epoch: 1 }, signal)
  else {
    register(store, executionId, options).then(
      lease => loop.start(lease, signal),
      error => loop.lost(error),
    )
  }
  return loop
}

async function register(store: ExecutionStore, executionId: string, { clock }: ResolvedOptions): Promise<Lease> {
  const existing = await store.create({ executionId, createdAt: new Date(clock.wallTime()).toISOString() })
  if (existing !== undefined) throw new DagstreamError('STORE_FAILED', `Execution \`${executionId}\` exists already`)
  return store.claim(executionId)
}
