import { DagstreamError, invalidOption } from '../errors.ts'
import { prepareExecution } from '../plan/compile.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import type { ExecutionRecord, ExecutionStore, StoredExecution } from '../store/execution-store.ts'
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
  { input, signal }: ExecutionInput,
  options: ResolvedOptions,
  counters: MutableCounters,
): ExecutionLoop {
  if (signal !== undefined && typeof signal.addEventListener !== 'function') {
    throw invalidOption('signal', 'an AbortSignal', signal)
  }
  const loop = createLoop(workflow, tools, input, options, counters)
  const { executionId, createdAt } = loop
  const { store } = options
  if (store === undefined) loop.start({ executionId, epoch: 1 }, signal)
  else {
    register(store, { executionId, createdAt }).then(
      lease => loop.start(lease, signal),
      error => loop.lost(error),
    )
  }
  return loop
}

/** Checks everything and makes an execution that has not started. @throws as `launch` does */
export function createLoop(
  workflow: DAGStructure | ExecutionPlan,
  tools: ToolRegistry,
  given: unknown,
  options: ResolvedOptions,
  counters: MutableCounters,
): ExecutionLoop {
  const { plan, input } = prepareExecution(workflow, tools, given)
  const executionId = options.createId()
  if (typeof executionId !== 'string' || !/^[A-Za-z0-9_-]{1,128}$/.test(executionId)) {
    throw invalidOption('createId', 'a function that makes ids of 1–128 characters of [A-Za-z0-9_-]', executionId)
  }
  return new ExecutionLoop(executionId, plan, input, options, options.store ?? NO_STORE, counters)
}

/** Registers an execution that must not exist. @throws `STORE_FAILED` if it does, and whatever the store throws */
async function register(store: ExecutionStore, record: ExecutionRecord): Promise<Lease> {
  const existing: StoredExecution | undefined = await store.create(record)
  if (existing === undefined) return store.claim(record.executionId)
  throw new DagstreamError('STORE_FAILED', `Execution \`${record.executionId}\` exists already`)
}
