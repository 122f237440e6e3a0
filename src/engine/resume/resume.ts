import { recordUnusable } from '../../errors.ts'
import type { Parked, Stop } from '../../events/events.ts'
import type { LogEntry } from '../../events/log-entry.ts'
import type { Lease } from '../../log/event-log.ts'
import { isInFinally } from '../../scheduler/ancestors.ts'
import { findCrashing } from '../../scheduler/table-queries.ts'
import type { ExecutionStore, StoredExecution } from '../../store/execution-store.ts'
import { ToolRegistry } from '../../tools/registry.ts'
import { createCounters, type MutableCounters } from '../counters.ts'
import { ExecutionLoop } from '../execution-loop.ts'
import type { StartParts } from '../loop-parts.ts'
import { restoreSecrets } from '../inputs/secret-answers.ts'
import { INTERRUPTED } from '../interruption.ts'
import { type ResolvedOptions, resolveOptions } from '../options.ts'
import { describeCrashing, MAX_CRASHES, recordParked } from './parking.ts'
import { findForkSource } from '../reuse/fork-source.ts'
import { checkRecorded } from './recorded-execution.ts'
import { readOptions, readPlanOptions } from './recorded-options.ts'
import { describeGrowth } from '../growth/plan-options.ts'
import { RecordedGrowth } from '../growth/recorded-growth.ts'
import { listDocumentIds } from '../../scheduler/growth/document-tasks.ts'
import type { WorkflowRegistry } from '../../plan/workflow-registry.ts'
import { findAdoptions, type Adoption } from '../remote/adoption.ts'
import { describeTable } from '../remote/create-runners.ts'
import { type Replayed, replay } from './replay.ts'

/** The context in which an execution is resumed. */
export interface ResumeContext {
  /**
   * A missing tool fails the execution with `TOOLS_UNAVAILABLE`; an execution that is only stopped or shown needs none.
   * @defaultValue none
   */
  readonly tools?: ToolRegistry
  /** Options for those that the record lacks. */
  readonly options?: ResolvedOptions
  readonly counters?: MutableCounters
  /** The workflows that tasks which join it may name. */
  readonly workflows?: WorkflowRegistry | undefined
  /** Whether a person may answer its questions. @defaultValue true */
  readonly isAttended?: boolean | undefined
  /** Ends it, as a request to cancel does: `finally` tasks run, unless it is being ended already. */
  readonly stop?: Stop | undefined
  /** The claimed right to append. @defaultValue it is claimed from the store */
  readonly lease?: Lease | undefined
  /** Called with the loop, whose log is restored, before it appends anything. */
  readonly onRestored?: ((loop: ExecutionLoop) => void) | undefined
}

/** An execution that was claimed but not resumed yet. */
interface Taken
  extends Replayed,
    Pick<StartParts, 'plan' | 'input' | 'owner' | 'fork' | 'secrets' | 'growth' | 'streamed'> {
  readonly loop: ExecutionLoop
  /** `undefined` for an ended execution. */
  readonly lease: Lease | undefined
  /** Stops the execution when it is resumed. */
  readonly stop: Stop | undefined
  /** Ends its `finally` tasks when it is resumed. */
  readonly finallyStop: Stop | undefined
  readonly options: ResolvedOptions
  /** Attempts that continue on workers. */
  readonly adoptions: readonly Adoption[]
}

/**
 * Claims an execution from its previous process and resumes it on request, from the table that a replay of its log gives. A
 * process that still runs it gets `FENCED`. An ended execution is only shown.
 *
 * It keeps its original options.
 *
 * @returns once it runs; rejects with what the store throws, and `RECORD_UNUSABLE` for a damaged record or log
 */
export async function resumeLoop(
  stored: StoredExecution,
  store: ExecutionStore,
  context: ResumeContext = {},
): Promise<ExecutionLoop> {
  const taken = await takeOver(stored, store, context)
  const { loop, lease, stop, finallyStop, adoptions } = taken
  if (lease === undefined) return loop
  context.onRestored?.(loop)
  loop.start(lease, taken, undefined, { cause: 'manual', stop, finallyStop, adoptions })
  return loop
}

/**
 * Resumes an execution after a crash as `resumeLoop` does. If the same task was in flight in each of the last crashes, the
 * execution is parked instead.
 * @returns the loop, or the reason of parking and its entry; rejects as `resumeLoop` does
 */
export async function recoverLoop(
  stored: StoredExecution,
  store: ExecutionStore,
  context: ResumeContext = {},
): Promise<{ readonly loop: ExecutionLoop } | { readonly parked: Parked; readonly entry: LogEntry }> {
  const taken = await takeOver(stored, store, context)
  const { loop, lease, stop, finallyStop, table, log, options, adoptions } = taken
  if (lease === undefined) return { loop }
  const { isHandedOff } = table.history
  const continued = new Set(adoptions.map(({ task }) => task))
  const crashing = isHandedOff
    ? []
    : findCrashing(table, MAX_CRASHES, task => !isEnded(taken, task) && !continued.has(task))
  if (crashing.length > 0) {
    const parked = describeCrashing(crashing)
    return { parked, entry: await recordParked(store, lease, log.head, parked, options.clock) }
  }
  context.onRestored?.(loop)
  loop.start(lease, taken, undefined, { cause: isHandedOff ? 'handoff' : 'crash', stop, finallyStop, adoptions })
  return { loop }
}

/** Whether a task no longer runs. */
function isEnded({ table: { graph, stop: stopped }, stop, finallyStop }: Taken, task: number): boolean {
  if (graph.stopOf(task) !== undefined) return true
  return (isInFinally(graph, task) ? finallyStop : (stop ?? stopped)) !== undefined
}

async function takeOver(stored: StoredExecution, store: ExecutionStore, context: ResumeContext): Promise<Taken> {
  const {
    tools = new ToolRegistry(),
    options: given = resolveOptions(),
    counters = createCounters(),
    stop,
    isAttended = true,
    lease: claimed,
  } = context
  const { executionId, createdAt } = stored
  const { graceMs: _, isGraceAsked: __, ...recorded } = readOptions(stored.options)
  const options: ResolvedOptions = { ...given, ...recorded }
  const { input, findFailure, findFinallyFailure, plan: buildPlan } = checkRecorded(stored, tools)
  const plan = await buildPlan()
  const lease = stored.status === 'running' ? (claimed ?? (await store.claim(executionId))) : undefined
  const streamed = readPlanOptions(stored.options)
  const growth = new RecordedGrowth(plan, input, tools)
  const tableOptions = { ...describeTable(options), ...describeGrowth(streamed) }
  const replayed = await replay(stored, store, plan, tableOptions, growth)
  const { log, table } = replayed
  const loop = new ExecutionLoop({ log, options, counters, createdAt, isAttended })
  const secrets = lease === undefined ? undefined : await restoreSecrets(store, lease, log.state)
  const { end } = table.history
  if (end !== undefined) loop.showEnd(end, listDocumentIds(table.graph))
  else if (lease === undefined) {
    throw recordUnusable('The log of an ended execution has no end')
  }
  const byCrash = options.onCrash === 'fail' ? INTERRUPTED : undefined
  // An execution that is only ended needs no tools but those of `finally`, and is not ended for the lack of others.
  const why =
    stop ?? table.stop ?? stored.notes?.stop ?? byCrash ?? findFailure(log.state) ?? growth.findFailure(log.state)
  const isEnding = table.stop !== undefined || table.graph.root.isFinallyOpen
  const isRepeated = stop?.requestId !== undefined && stop.requestId === table.stop?.requestId
  const by = stop?.requestId === undefined ? {} : { requestId: stop.requestId }
  const byRequest = stop !== undefined && isEnding && !isRepeated ? { message: stop.message, ...by } : undefined
  const finallyWhy = byRequest ?? (why === undefined ? undefined : findFinallyFailure(log.state))
  const isOver = end !== undefined || why !== undefined
  return {
    ...replayed,
    plan,
    growth: { tools, workflows: context.workflows },
    streamed,
    input,
    ...(secrets && { secrets }),
    loop,
    lease: end === undefined ? lease : undefined,
    stop: why,
    finallyStop: finallyWhy,
    options,
    adoptions: lease === undefined ? [] : await findAdoptions(store, executionId, table),
    fork: isOver ? undefined : await findForkSource(stored, store, options.logger),
    owner: stored.owner,
  }
}
