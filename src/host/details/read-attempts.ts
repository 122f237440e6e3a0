import { afterTurn, isTurnSpent } from '../../clock.ts'
import type { LogEntry } from '../../events/log-entry.ts'
import type { TaskCode } from '../../events/events.ts'
import type { EventLog } from '../../log/event-log.ts'

/** One attempt of a task, as far as the log has it. */
export interface TaskAttempt {
  /** From 1. */
  readonly attempt: number
  /** ISO 8601. */
  readonly startedAt: string
  /** ISO 8601; absent while it runs. */
  readonly endedAt?: string
  /** Message for people; absent while it runs and if it succeeded. */
  readonly error?: string
  readonly code?: TaskCode
  /** The end of its process interrupted it. */
  readonly interrupted?: true
}

/** Entries per read. */
const PAGE = 1024

const TYPES: ReadonlySet<string> = new Set(['task_start', 'task_retry', 'task_complete'])

/**
 * Reads the attempts of one task from a log, in slices, so that the event loop keeps turning. Attempts whose entries a store has
 * evicted are left out.
 * @param firstSeq the first entry that the store still has
 */
export async function readAttempts(log: EventLog, taskId: string, firstSeq: number): Promise<TaskAttempt[]> {
  const attempts = new Map<number, TaskAttempt>()
  for (let seq = firstSeq - 1; ; ) {
    const page = await log.readStored(seq, PAGE)
    for (const entry of page) if (TYPES.has(entry.type)) addEntry(attempts, entry, taskId)
    const last = page.at(-1)
    if (last === undefined) return [...attempts.values()]
    seq = last.seq
    if (isTurnSpent()) await new Promise<void>(afterTurn)
  }
}

function addEntry(attempts: Map<number, TaskAttempt>, entry: LogEntry, taskId: string): void {
  const { type, data } = entry
  if (type === 'task_start') {
    const { attempt, timestamp } = data
    if (data.taskId === taskId) attempts.set(attempt, { attempt, startedAt: timestamp })
  } else if (type === 'task_retry') {
    if (data.taskId !== taskId) return
    const { attempt, error, code, interrupted } = data
    end(attempts, attempt, { endedAt: data.timestamp, error, code, ...(interrupted && { interrupted }) })
  } else if (type === 'task_complete' && data.taskId === taskId) {
    const { attempts: attempt, error, code, timestamp } = data
    const failure = { ...(error !== undefined && { error }), ...(code !== undefined && { code }) }
    end(attempts, attempt, { endedAt: timestamp, ...failure })
  }
}

/** An attempt ends once: a task that ends between two attempts leaves the last one as it was. */
function end(attempts: Map<number, TaskAttempt>, attempt: number, ending: Partial<TaskAttempt>): void {
  const known = attempts.get(attempt)
  if (known !== undefined && known.endedAt === undefined) attempts.set(attempt, { ...known, ...ending })
}
