import { DagstreamError, invalidOption } from '../../errors.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { checkExecution } from '../../plan/compile.ts'
import { ExecutionPlan } from '../../plan/execution-plan.ts'
import type { WorkflowRegistry } from '../../plan/workflow-registry.ts'
import { createAndClaim } from '../../store/create-and-claim.ts'
import type { ExecutionRecord } from '../../store/execution-store.ts'
import { EventLog, type Lease, type LogStorage } from '../../log/event-log.ts'
import type { ToolRegistry } from '../../tools/registry.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import type { MutableCounters } from '../counters.ts'
import { ExecutionLoop } from '../execution-loop.ts'
import type { ResolvedOptions } from '../options.ts'
import { writeOptions } from '../resume/recorded-options.ts'
import { expectKnownTasks } from '../reuse/prepare-fork.ts'
import type { ForkSource } from '../reuse/takeover.ts'

/** What one execution is given beside its options. */
export interface ExecutionInput {
  /** What `$INPUT` refers to; must be JSON. */
  readonly input?: unknown
  /** Cancels the execution. */
  readonly signal?: AbortSignal
}

/** What an execution is made with, beside its input. */
export interface LaunchParts {
  /** The workflows that its tasks may name. */
  readonly workflows?: WorkflowRegistry | undefined
  /** The document as JSON. @defaultValue written from the document */
  readonly workflowJson?: string
  /** Whether the document is that of a record, which holds the registered workflows that it names. */
  readonly isRecorded?: boolean
  /** Whose it is, with the outputs that it remembers. */
  readonly owner?: string | undefined
  /** Of a fork: what it takes its outputs from. */
  readonly fork?: ForkSource
}

interface LaunchInput extends ExecutionInput, LaunchParts {}

/** Keeps nothing beyond the log's own tail: for executions that only their caller ever sees. */
const NO_STORE: LogStorage = { append() {}, read: () => [], putOutput() {}, getOutput: () => undefined }

/**
 * Starts an execution; a store that fails makes its result reject.
 * @throws `INVALID_WORKFLOW` for a workflow or an input with problems, `INVALID_OPTION` for an input that is not JSON, a
 * signal that is none, or an unusable id; `UNKNOWN_TASK` for a fork from a task that there is not
 */
export function launch(
  workflow: DAGStructure | ExecutionPlan,
  tools: ToolRegistry,
  { input, signal, ...parts }: LaunchInput,
  options: ResolvedOptions,
  counters: MutableCounters,
): ExecutionLoop {
  if (signal !== undefined && typeof signal.addEventListener !== 'function') {
    throw invalidOption('signal', 'an AbortSignal', signal)
  }
  const { loop, start, describe } = createLoop(workflow, tools, input, options, counters, parts)
  const { store } = options
  if (store === undefined) start({ executionId: loop.executionId, epoch: 1 }, signal)
  else {
    // A record that cannot be removed stays without a lease: no process resumes it.
    createAndClaim(store, describe(), () => {}).then(
      ({ lease }) => (lease === undefined ? loop.onLogFailure(alreadyExists(loop)) : start(lease, signal)),
      error => loop.onLogFailure(error),
    )
  }
  return loop
}

/** An execution that has not started, and what a store needs to know of it. */
export interface NewExecution {
  readonly loop: ExecutionLoop
  /**
   * Builds the plan and starts the loop: at once, or for a large workflow once its plan is built in slices. Call it once.
   */
  readonly start: (lease: Lease, signal?: AbortSignal) => void
  /** `graceMs`: how long it may go unfollowed, of one that a server runs. */
  readonly describe: (known?: { readonly graceMs?: number }) => ExecutionRecord
}

/** Checks everything and makes an execution. @throws as `launch` does */
export function createLoop(
  workflow: DAGStructure | ExecutionPlan,
  tools: ToolRegistry,
  given: unknown,
  options: ResolvedOptions,
  counters: MutableCounters,
  { workflows, workflowJson, isRecorded = false, owner, fork }: LaunchParts = {},
): NewExecution {
  const { input, plan: buildPlan } = checkExecution(workflow, tools, given, isRecorded, workflows)
  if (fork !== undefined) expectKnownTasks(fork, workflow)
  const executionId = options.createId()
  if (typeof executionId !== 'string' || !/^[A-Za-z0-9_-]{1,128}$/.test(executionId)) {
    throw invalidOption('createId', 'a function that makes ids of 1–128 characters of [A-Za-z0-9_-]', executionId)
  }
  const log = new EventLog(executionId, options.store ?? NO_STORE)
  const loop = new ExecutionLoop({ log, options, counters })
  const begin = (plan: ExecutionPlan, lease: Lease, signal?: AbortSignal): void => {
    if (isRecorded) fork?.recorded.describeBy(plan)
    loop.start(lease, { plan, input, owner, fork }, signal)
  }
  const start: NewExecution['start'] = (lease, signal) => {
    const plan = buildPlan()
    if (!(plan instanceof Promise)) return begin(plan, lease, signal)
    plan.then(built => begin(built, lease, signal)).catch(error => loop.onLogFailure(error))
  }
  const describe: NewExecution['describe'] = ({ graceMs } = {}) => ({
    executionId,
    ...(owner !== undefined && { owner }),
    createdAt: loop.createdAt,
    workflow: workflowJson ?? stringifyJson(isRecorded ? workflow : describeRecorded(workflow, workflows)),
    ...(input && { input: input.text }),
    options: writeOptions(options, {
      graceMs,
      ...(fork && { forkedFrom: { executionId: fork.recorded.executionId, from: fork.from } }),
    }),
  })
  return { loop, start, describe }
}

/** The document as the record of an execution has it: with the registered workflows that it names. */
function describeRecorded(
  workflow: DAGStructure | ExecutionPlan,
  workflows: WorkflowRegistry | undefined,
): DAGStructure {
  if (ExecutionPlan.is(workflow)) return workflow.describeRecorded()
  return workflows?.record(workflow) ?? workflow
}

/** A store that keeps to its interface throws this by itself. */
function alreadyExists({ executionId }: ExecutionLoop): DagstreamError {
  return new DagstreamError('STORE_FAILED', `Execution \`${executionId}\` exists already`)
}
