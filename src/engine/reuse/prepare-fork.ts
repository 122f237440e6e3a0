import { DagstreamError } from '../../errors.ts'
import { ExecutionPlan } from '../../plan/execution-plan.ts'
import type { ExecutionRecord, ExecutionStore } from '../../store/execution-store.ts'
import { quoteName } from '../../tools/json-pointer.ts'
import { Suggestions } from '../../tools/suggestion.ts'
import type { DAGStructure, RecordedWorkflow } from '../../workflow/document.ts'
import { parseWorkflow } from '../resume/recorded-execution.ts'
import { parseRecorded, readOptions, type RecordedOptions } from '../resume/recorded-options.ts'
import { readRecordedTasks, readUndescribedTasks } from './fork-source.ts'
import type { ForkSource } from './takeover.ts'

/** What a fork differs in from the execution that it is made from. */
export interface ForkRequest<Workflow = DAGStructure | ExecutionPlan> {
  /** Ids of tasks that run again whatever they did. @defaultValue none: what did not succeed runs again */
  readonly from?: readonly string[] | undefined
  /** @defaultValue the recorded one */
  readonly workflow?: Workflow | undefined
  /** @defaultValue the recorded one */
  readonly input?: unknown
}

/** What a new execution is made of that forks another. */
export interface PreparedFork<Workflow = DAGStructure | ExecutionPlan> {
  /** Not checked yet. */
  readonly workflow: Workflow | DAGStructure
  /** The recorded document as JSON, if it is that. */
  readonly workflowJson?: string
  /** Whether the document holds the registered workflows that it names. */
  readonly isRecorded: boolean
  readonly input: unknown
  readonly options: Omit<RecordedOptions, 'graceMs' | 'isGraceAsked'>
  readonly fork: ForkSource
}

/**
 * Reads an execution for a fork of it, which may be while it still runs: what has succeeded by now can be taken over.
 * @throws `RECORD_UNUSABLE` for a damaged record or log; the errors of the store
 */
export async function prepareFork<Workflow extends DAGStructure | ExecutionPlan>(
  stored: ExecutionRecord,
  store: ExecutionStore,
  { from = [], workflow, input }: ForkRequest<Workflow>,
): Promise<PreparedFork<Workflow>> {
  const { graceMs: _, isGraceAsked: __, ...options } = readOptions(stored.options)
  const isRecorded = workflow === undefined
  const recorded = await (isRecorded ? readUndescribedTasks : readRecordedTasks)(stored, store)
  const document = isRecorded ? parseWorkflow(stored.workflow) : workflow
  // Tasks may have joined it.
  const whole = isRecorded ? recorded.describeDocument(document as RecordedWorkflow) : document
  return {
    // `null` is refused by the checks.
    workflow: whole,
    ...(isRecorded && whole === document && stored.workflow !== undefined && { workflowJson: stored.workflow }),
    isRecorded,
    input: input === undefined && stored.input !== undefined ? parseRecorded('input', stored.input) : input,
    options,
    // The plan of a recorded document is that of the fork, which `createLoop` builds.
    fork: {
      recorded,
      from: [...new Set(from)],
    },
  }
}

/**
 * Requires `from` to name tasks of the document, or children that a task of it had in the recorded execution.
 * @param workflow has passed its checks
 * @throws `UNKNOWN_TASK`
 */
export function expectKnownTasks({ from, recorded }: ForkSource, workflow: DAGStructure | ExecutionPlan): void {
  if (from.length === 0) return
  const { tasks, finally: last = [] }: Pick<DAGStructure, 'finally'> & { readonly tasks: readonly { id: string }[] } =
    ExecutionPlan.is(workflow) ? { tasks: workflow.tasks } : workflow
  const ids = new Set([...tasks, ...last].map(({ id }) => id))
  const isKnown = (id: string): boolean => ids.has(id) || ids.has(recorded.topOf(id) ?? '')
  const unknown = from.find(id => !isKnown(id))
  if (unknown === undefined) return
  const known = [...ids, ...Array.from(recorded.taskIds).filter(id => !ids.has(id) && isKnown(id))]
  const hint = new Suggestions(known, 'tasks').hintFor(unknown)
  throw new DagstreamError('UNKNOWN_TASK', `There is no task ${quoteName(unknown)} to fork from. ${hint}`, {
    details: { taskId: unknown, hint },
  })
}
