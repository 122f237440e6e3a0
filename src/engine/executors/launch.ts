import { isSharedStore } from '../../cluster/shared-store.ts'
import { DagstreamError, invalidOption } from '../../errors.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { checkExecution } from '../../plan/compile.ts'
import { ExecutionPlan } from '../../plan/execution-plan.ts'
import type { WorkflowRegistry } from '../../plan/workflow-registry.ts'
import { createAndClaim } from '../../store/create-and-claim.ts'
import type { ExecutionRecord } from '../../store/execution-store.ts'
import { EventLog, type Lease, type LogStorage } from '../../log/event-log.ts'
import { foresightOf } from '../../forecast/foresight.ts'
import type { ToolRegistry } from '../../tools/registry.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import type { MutableCounters } from '../counters.ts'
import { ExecutionLoop } from '../execution-loop.ts'
import type { ResolvedPlanOptions } from '../growth/plan-options.ts'
import { observeLaunch } from '../observers/observe-launch.ts'
import type { ResolvedOptions } from '../options.ts'
import { type RecordedExtras, writeOptions } from '../resume/recorded-options.ts'
import { expectKnownTasks } from '../reuse/prepare-fork.ts'
import { predictReuse } from '../reuse/predict-reuse.ts'
import type { ForkSource } from '../reuse/takeover.ts'

/** Input and signal of one execution. */
export interface ExecutionInput {
  /** The value of `$INPUT`; must be JSON. */
  readonly input?: unknown
  /** Cancels the execution. */
  readonly signal?: AbortSignal
  /** W3C `traceparent` of the caller: the parent of the execution's trace. @defaultValue the active span, with an observer of traces */
  readonly traceparent?: string
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
  /** Whether a person may answer its questions. @defaultValue true */
  readonly isAttended?: boolean | undefined
  /** For a plan that is still being written: the workflow has no tasks. */
  readonly streamed?: ResolvedPlanOptions | undefined
}

interface LaunchInput extends ExecutionInput, LaunchParts {}

/** Stores nothing beyond the tail of the log: for executions that only their caller reads. */
const NO_STORE: LogStorage = { append() {}, read: () => [], putOutput() {}, getOutput: () => undefined }

/**
 * Starts an execution; a store that fails makes its result reject.
 * @throws `INVALID_WORKFLOW` for a workflow or an input with problems, `INVALID_OPTION` for an input that is not JSON, an
 * invalid signal, or an invalid id; `UNKNOWN_TASK` for a fork from an unknown task
 */
export function launch(
  workflow: DAGStructure | ExecutionPlan,
  tools: ToolRegistry,
  { input, signal, traceparent, ...parts }: LaunchInput,
  options: ResolvedOptions,
  counters: MutableCounters,
): ExecutionLoop {
  if (signal !== undefined && typeof signal.addEventListener !== 'function') {
    throw invalidOption('signal', 'an AbortSignal', signal)
  }
  const { store } = options
  if (store !== undefined && isSharedStore(store)) {
    throw invalidOption('store', 'a store of one process: `createHandler` runs the executions of a shared store', store)
  }
  const { loop, start, describe } = createLoop(workflow, tools, input, options, counters, parts)
  const { executionId } = loop
  const { owner } = parts
  const record = { executionId, ...(owner !== undefined && { owner }) }
  const observed = observeLaunch(options, record, workflow.name, traceparent)
  observed?.follow(loop)
  if (store === undefined) start({ executionId: loop.executionId, epoch: 1 }, signal)
  else {
    // If the removal of a record fails, the record stays without a lease: no process resumes it.
    createAndClaim(store, describe({ traceparent: observed?.traceparent }), () => {}).then(
      ({ lease }) => (lease === undefined ? loop.onLogFailure(alreadyExists(loop)) : start(lease, signal)),
      error => loop.onLogFailure(error),
    )
  }
  return loop
}

/** An execution that has not started, and its description for a store. */
export interface NewExecution {
  readonly loop: ExecutionLoop
  /**
   * Builds the plan and starts the loop: at once, or for a large workflow once its plan is built in slices. Call it once.
   */
  readonly start: (lease: Lease, signal?: AbortSignal) => void
  /**
   * `graceMs`: how long it may go unfollowed, of one that a server runs; `isGraceAsked`: whether its request asked for that;
   * `traceparent`: that of its trace.
   */
  readonly describe: (known?: Omit<RecordedExtras, 'forkedFrom'>) => ExecutionRecord
}

/** Checks everything and makes an execution. @throws as `launch` does */
export function createLoop(
  workflow: DAGStructure | ExecutionPlan,
  tools: ToolRegistry,
  given: unknown,
  options: ResolvedOptions,
  counters: MutableCounters,
  { workflows, workflowJson, isRecorded = false, owner, fork, isAttended = true, streamed }: LaunchParts = {},
): NewExecution {
  const { input, plan: buildPlan } = checkExecution(workflow, tools, given, isRecorded, workflows)
  if (fork !== undefined) expectKnownTasks(fork, workflow)
  const executionId = options.createId()
  if (typeof executionId !== 'string' || !/^[A-Za-z0-9_-]{1,128}$/.test(executionId)) {
    throw invalidOption('createId', 'a function that makes ids of 1–128 characters of [A-Za-z0-9_-]', executionId)
  }
  const log = new EventLog(executionId, options.store ?? NO_STORE)
  const loop = new ExecutionLoop({ log, options, counters, isAttended })
  const foresight = foresightOf(options.store)
  if (foresight !== undefined) {
    // A log that failed has no end; its readers learn that elsewhere.
    loop.ended.then(
      () => foresight.ended(owner, log.state, options),
      () => {},
    )
  }
  const begin = (plan: ExecutionPlan, lease: Lease, signal?: AbortSignal): void => {
    if (isRecorded) fork?.recorded.describeBy(plan)
    const isReusable = fork && predictReuse(fork, plan, input)
    // Without a prediction, a fork would be expected to run all of its tasks.
    const isForeseen = fork === undefined || isReusable !== undefined
    const outlook = isForeseen ? foresight?.of(plan, owner, { ...options, isReusable }) : undefined
    loop.start(lease, { plan, input, owner, fork, growth: { tools, workflows }, streamed, outlook }, signal)
  }
  const start: NewExecution['start'] = (lease, signal) => {
    const plan = buildPlan()
    if (!(plan instanceof Promise)) return begin(plan, lease, signal)
    plan.then(built => begin(built, lease, signal)).catch(error => loop.onLogFailure(error))
  }
  const describe: NewExecution['describe'] = ({ graceMs, isGraceAsked, traceparent } = {}) => {
    const recorded = isRecorded ? workflow : describeRecorded(workflow, workflows)
    return {
      executionId,
      ...(owner !== undefined && { owner }),
      createdAt: loop.createdAt,
      // The text of the request is the record where no registered workflow is added to it.
      workflow: (recorded === workflow ? workflowJson : undefined) ?? stringifyJson(recorded),
      ...(input && { input: input.text }),
      options: writeOptions(options, {
        graceMs,
        isGraceAsked,
        streamed,
        traceparent,
        ...(fork && { forkedFrom: { executionId: fork.recorded.executionId, from: fork.from } }),
      }),
    }
  }
  return { loop, start, describe }
}

/** The document for the record, including the registered workflows that it names. */
function describeRecorded(
  workflow: DAGStructure | ExecutionPlan,
  workflows: WorkflowRegistry | undefined,
): DAGStructure {
  if (ExecutionPlan.is(workflow)) return workflow.describeRecorded()
  return workflows?.record(workflow) ?? workflow
}

/** The error if a store reports a duplicate id without throwing, as its interface asks. */
function alreadyExists({ executionId }: ExecutionLoop): DagstreamError {
  return new DagstreamError('STORE_FAILED', `Execution \`${executionId}\` exists already`)
}
