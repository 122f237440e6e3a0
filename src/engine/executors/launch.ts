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

/** Input and signal of one execution. */
export interface ExecutionInput {
  /** The value of `$INPUT`; must be JSON. */
  readonly input?: unknown
  /** Cancels the execution. */
  readonly signal?: AbortSignal
}

/** The input of an execution, and the workflows that its tasks may name. */
interface LaunchInput extends ExecutionInput {
  readonly workflows?: WorkflowRegistry
  /** Whether somebody may answer its questions. @defaultValue true */
  readonly isAttended?: boolean
}

/** Stores nothing beyond the tail of the log: for executions that only their caller reads. */
const NO_STORE: LogStorage = { append() {}, read: () => [], putOutput() {}, getOutput: () => undefined }

/**
 * Starts an execution; a store that fails makes its result reject.
 * @throws `INVALID_WORKFLOW` for a workflow or an input with problems, `INVALID_OPTION` for an input that is not JSON, an
 * invalid signal, or an invalid id
 */
export function launch(
  workflow: DAGStructure | ExecutionPlan,
  tools: ToolRegistry,
  { input, signal, workflows, isAttended = true }: LaunchInput,
  options: ResolvedOptions,
  counters: MutableCounters,
): ExecutionLoop {
  if (signal !== undefined && typeof signal.addEventListener !== 'function') {
    throw invalidOption('signal', 'an AbortSignal', signal)
  }
  const { loop, start, describe } = createLoop(workflow, tools, input, options, counters, {
    ...(workflows && { workflows }),
    isAttended,
  })
  const { store } = options
  if (store === undefined) start({ executionId: loop.executionId, epoch: 1 }, signal)
  else {
    // If the removal of a record fails, the record stays without a lease: no process resumes it.
    createAndClaim(store, describe(), () => {}).then(
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
   * `workflow`: the document as JSON, where that is at hand.
   */
  readonly describe: (known?: {
    readonly graceMs?: number
    readonly isGraceAsked?: boolean
    readonly workflow?: string | undefined
  }) => ExecutionRecord
}

/** Checks everything and makes an execution. @throws as `launch` does */
export function createLoop(
  workflow: DAGStructure | ExecutionPlan,
  tools: ToolRegistry,
  given: unknown,
  options: ResolvedOptions,
  counters: MutableCounters,
  { workflows, isAttended = true }: Pick<LaunchInput, 'workflows'> & { readonly isAttended?: boolean | undefined } = {},
): NewExecution {
  const { input, plan: buildPlan } = checkExecution(workflow, tools, given, false, workflows)
  const executionId = options.createId()
  if (typeof executionId !== 'string' || !/^[A-Za-z0-9_-]{1,128}$/.test(executionId)) {
    throw invalidOption('createId', 'a function that makes ids of 1–128 characters of [A-Za-z0-9_-]', executionId)
  }
  const log = new EventLog(executionId, options.store ?? NO_STORE)
  const loop = new ExecutionLoop({ log, options, counters, isAttended })
  const start: NewExecution['start'] = (lease, signal) => {
    const plan = buildPlan()
    if (!(plan instanceof Promise)) return loop.start(lease, { plan, input }, signal)
    plan.then(built => loop.start(lease, { plan: built, input }, signal)).catch(error => loop.onLogFailure(error))
  }
  const describe: NewExecution['describe'] = ({ graceMs, isGraceAsked, workflow: text } = {}) => {
    const recorded = describeRecorded(workflow, workflows)
    return {
      executionId,
      createdAt: loop.createdAt,
      workflow: (recorded === workflow ? text : undefined) ?? stringifyJson(recorded),
      ...(input && { input: input.text }),
      options: writeOptions(options, graceMs, isGraceAsked),
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
