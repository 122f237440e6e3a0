import type { ExecutionStatus, Parked } from '../../events/events.ts'
import { recordUnusable } from '../../errors.ts'
import type { LogEntry } from '../../events/log-entry.ts'
import type { ExecutionRecord, StoredExecution } from '../execution-store.ts'
import { describeUnusable } from '../unfinished-status.ts'
import type { Row } from './connection/database.ts'
import { fromStored, toStored, toStoredOwner } from './stored-text.ts'

/** Converts a row of `executions`; columns that were not selected are absent. */
export function readExecutionRow(row: Row): StoredExecution {
  const text = (name: string): string | null => (row[name] ?? null) as string | null
  const [owner, key, hash] = [text('owner'), text('idempotency_key'), text('request_hash')]
  const [workflow, input, options, parked] = [text('workflow'), text('input'), text('options'), text('parked')]
  const hasEnded = row['has_ended'] === true
  return {
    executionId: row['id'] as string,
    ...(owner && { owner: fromStored(owner) }),
    ...(key !== null && { idempotencyKey: fromStored(key) }),
    ...(hash !== null && { requestHash: hash }),
    createdAt: row['created_at'] as string,
    ...(workflow !== null && { workflow }),
    ...(input !== null && { input }),
    ...(options !== null && { options }),
    status: row['status'] as 'running' | ExecutionStatus,
    ...(parked !== null && !hasEnded && { parked: parseParked(parked) }),
    ...(row['is_stopping'] === true && !hasEnded && { isStopping: true as const }),
  }
}

/** The parameters of a record: id, owner, key, hash, time, document, input, options. */
export function toRecordValues(record: ExecutionRecord): readonly (string | null)[] {
  const { executionId, owner, idempotencyKey, requestHash, createdAt, workflow, input, options } = record
  const key = idempotencyKey === undefined ? null : toStored(idempotencyKey)
  const request = [workflow ?? null, input ?? null, options ?? null]
  return [executionId, toStoredOwner(owner), key, requestHash ?? null, createdAt, ...request]
}

/** What entries change in the row of their execution: whether it stops, whether `parked` changes, to what, its final status. */
export function toStatusValues(entries: readonly LogEntry[]): readonly (string | boolean | null)[] {
  let [isStopping, movesParked] = [false, false]
  let [parked, status]: [string | null, string | null] = [null, null]
  for (const { type, json } of entries) {
    if (type === 'execution_stopping') isStopping = true
    else if (type === 'execution_parked') [movesParked, parked] = [true, json]
    else if (type === 'execution_resumed') [movesParked, parked] = [true, null]
    else if (type === 'execution_complete') status = (JSON.parse(json) as { status: ExecutionStatus }).status
  }
  return [isStopping, movesParked, parked, status]
}

/** One damaged event must not make a list fail. */
function parseParked(json: string): Parked {
  try {
    const { code, message, tasks } = JSON.parse(json) as Parked
    return { code, message, tasks }
  } catch (error) {
    return describeUnusable(recordUnusable('The reason why an execution is parked is not JSON', error))
  }
}
