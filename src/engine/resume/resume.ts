import { recordUnusable } from '../../errors.ts'
import type { Parked, Stop } from '../../events/events.ts'
import type { LogEntry } from '../../events/log-entry.ts'
import type { EventLog, Lease } from '../../log/event-log.ts'
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
import { checkRecorded } from './recorded-execution.ts'
import { readOptions } from './recorded-options.ts'
import { type Replayed, replay } from './replay.ts'

/** What an execution is resumed with. */
export interface ResumeContext {
  /** A tool that is missing fails the execution with `TOOLS_UNAVAILABLE`; one that is only ended or shown needs none. @defaultValue none */
  readonly tools?: ToolRegistry
  /** For what the record does not say. */
  readonly options?: ResolvedOptions
  readonly counters?: MutableCounters
  /** Whether somebody may answer its questions. @defaultValue true */
  readonly isAttended?: boolean | undefined
  /** Ends it. */
  readonly stop?: Stop | undefined
  /** Called with the restored log before anything is appended by the loop. */
  readonly onRestored?: ((log: EventLog) => void) | undefined
}

/** An execution that was taken over and has not been resumed. */
interface Taken extends Replayed, Pick<StartParts, 'plan' | 'input' | 'secrets'> {
  readonly loop: ExecutionLoop
  /** `undefined` for one that has ended. */
  readonly lease: Lease | undefined
  /** Ends it when it is resumed. */
  readonly stop: Stop | undefined
  readonly options: ResolvedOptions
}

/**
 * Takes an execution over from the process that ran it, and resumes it by hand: the same loop, from the table that its log adds
 * up to. A process that still runs it gets `FENCED`. One that has ended is only shown.
 *
 * It keeps the options that it began with.
 *
 * @returns once it runs; rejects with what the store throws, and `RECORD_UNUSABLE` for a damaged record or log
 */
export async function resumeLoop(
  stored: StoredExecution,
  store: ExecutionStore,
  context: ResumeContext = {},
): Promise<ExecutionLoop> {
  const taken = await takeOver(stored, store, context)
  const { loop, lease, stop, log } = taken
  if (lease === undefined) return loop
  context.onRestored?.(log)
  loop.start(lease, taken, undefined, { cause: 'manual', stop })
  return loop
}

/**
 * Resumes an execution whose process is gone, as `resumeLoop` does, unless the same task was in flight in each of the last
 * crashes: then the execution is parked.
 * @returns the loop, or why it is parked and the entry that says so; rejects as `resumeLoop` does
 */
export async function recoverLoop(
  stored: StoredExecution,
  store: ExecutionStore,
  context: ResumeContext = {},
): Promise<{ readonly loop: ExecutionLoop } | { readonly parked: Parked; readonly entry: LogEntry }> {
  const taken = await takeOver(stored, store, context)
  const { loop, lease, stop, table, log, options } = taken
  if (lease === undefined) return { loop }
  const { isHandedOff } = table.history
  const isStopping = (stop ?? table.stop) !== undefined
  const crashing = isHandedOff || isStopping ? [] : findCrashing(table, MAX_CRASHES)
  if (crashing.length > 0) {
    const parked = describeCrashing(crashing)
    return { parked, entry: await recordParked(store, lease, log.head, parked, options.clock) }
  }
  context.onRestored?.(log)
  loop.start(lease, taken, undefined, { cause: isHandedOff ? 'handoff' : 'crash', stop })
  return { loop }
}

async function takeOver(
  stored: StoredExecution,
  store: ExecutionStore,
  {
    tools = new ToolRegistry(),
    options: given = resolveOptions(),
    counters = createCounters(),
    stop,
    isAttended = true,
  }: ResumeContext,
): Promise<Taken> {
  const { executionId, createdAt } = stored
  const { graceMs: _, isGraceAsked: __, ...recorded } = readOptions(stored.options)
  const options: ResolvedOptions = { ...given, ...recorded }
  const { input, findFailure, plan: buildPlan } = checkRecorded(stored, tools)
  const plan = await buildPlan()
  const lease = stored.status === 'running' ? await store.claim(executionId) : undefined
  const replayed = await replay(stored, store, plan, options)
  const { log, table } = replayed
  const loop = new ExecutionLoop({ log, options, counters, createdAt, isAttended })
  const secrets = lease === undefined ? undefined : await restoreSecrets(store, lease, log.state)
  const { end } = table.history
  if (end !== undefined) loop.showEnd(end, plan)
  else if (lease === undefined) {
    throw recordUnusable('The log of an ended execution has no end')
  }
  const byCrash = options.onCrash === 'fail' ? INTERRUPTED : undefined
  // An execution that is only ended needs no tools, and is not ended for the lack of them.
  const why = stop ?? table.stop ?? stored.notes?.stop ?? byCrash ?? findFailure(log.state)
  return {
    ...replayed,
    plan,
    input,
    ...(secrets && { secrets }),
    loop,
    lease: end === undefined ? lease : undefined,
    stop: why,
    options,
  }
}
