import type { Clock } from '../../clock.ts'
import type { Parked } from '../../events/events.ts'
import { LogEntry } from '../../events/log-entry.ts'
import type { ExecutionStore } from '../../store/execution-store.ts'
import { findLast } from '../../store/find-last.ts'
import type { Lease } from '../../log/event-log.ts'

/** Maximum number of consecutive crashes in which one task is in flight; after the last of them its execution is parked. */
export const MAX_CRASHES = 3

/** The reason of parking for tasks that were in flight in each of the last crashes. */
export function describeCrashing(tasks: readonly string[]): Parked {
  return describeParked(`In flight in each of the last ${MAX_CRASHES} crashes of the execution`, tasks)
}

/** The reason of parking for tasks whose workers were lost. */
export function describeLost(tasks: readonly string[]): Parked {
  return describeParked(`${MAX_CRASHES} workers were lost while they ran the same task`, tasks)
}

function describeParked(reason: string, tasks: readonly string[]): Parked {
  const shown = tasks
    .slice(0, 5)
    .map(id => `\`${id}\``)
    .join(', ')
  const rest = tasks.length > 5 ? ` and ${tasks.length - 5} more` : ''
  return { code: 'CRASH_LIMIT', message: `${reason}: ${shown}${rest}. Resume it by hand`, tasks }
}

/**
 * Parks an execution: it no longer resumes by itself. A process that still runs it gets `FENCED`.
 * @param claimed the right to append; absent: it is claimed from the store
 * @returns the entry that records it
 * @throws what the store throws
 */
export async function park(
  store: ExecutionStore,
  executionId: string,
  parked: Parked,
  clock: Clock,
  claimed?: Lease,
): Promise<LogEntry> {
  const lease = claimed ?? (await store.claim(executionId))
  const last = (await findLast(store, executionId))?.seq ?? (await store.readBase?.(executionId))?.seq ?? 0
  return recordParked(store, lease, last, parked, clock)
}

/** Records the parking with a lease, after the last entry. */
export async function recordParked(
  store: ExecutionStore,
  lease: Lease,
  lastSeq: number,
  { code, message, tasks }: Parked,
  clock: Clock,
): Promise<LogEntry> {
  const { executionId } = lease
  const timestamp = new Date(clock.wallTime()).toISOString()
  const entry = new LogEntry(lastSeq + 1, 'execution_parked', { executionId, timestamp, code, message, tasks })
  await store.append(lease, entry.seq, [entry])
  return entry
}
