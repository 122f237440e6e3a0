import type { ExecutionStatus, Parked } from '../../events/events.ts'
import type { EarlierNotes } from '../earlier-notes.ts'
import type { StoredExecution } from '../execution-store.ts'
import { readStatus, type UnfinishedStatus } from '../unfinished-status.ts'
import type { Row } from './rows.ts'

/**
 * Converts a row of `executions`; columns that were not selected are absent.
 * @param findParked returns the data of the last `execution_parked` of an execution
 */
export function readExecutionRow(row: Row, findParked: (number: number) => Parked | undefined): StoredExecution {
  const text = (name: string): string | null => (row[name] ?? null) as string | null
  const [owner, key, hash, noted] = [text('owner'), text('idempotency_key'), text('request_hash'), text('notes')]
  const [workflow, input, options] = [text('workflow'), text('input'), text('options')]
  const status = row['status'] as UnfinishedStatus | ExecutionStatus
  const { isParked, isStopping } = readStatus(status)
  const notes = noted === null ? undefined : (JSON.parse(noted) as EarlierNotes)
  const parked = isParked ? (findParked(row['number'] as number) ?? toParked(notes)) : undefined
  return {
    executionId: row['id'] as string,
    ...(owner && { owner: JSON.parse(owner) as string }),
    ...(key !== null && { idempotencyKey: JSON.parse(key) as string }),
    ...(hash !== null && { requestHash: hash }),
    createdAt: row['created_at'] as string,
    ...(workflow !== null && { workflow }),
    ...(input !== null && { input }),
    ...(options !== null && { options }),
    status: isUnfinished(status) ? 'running' : status,
    ...(parked && { parked }),
    ...(isStopping && { isStopping }),
    ...(notes && { notes }),
  }
}

function toParked(notes: EarlierNotes | undefined): Parked | undefined {
  return notes?.parked ? { code: notes.parked.code, message: notes.parked.message, tasks: [] } : undefined
}

function isUnfinished(status: UnfinishedStatus | ExecutionStatus): status is UnfinishedStatus {
  const { isParked, isStopping } = readStatus(status)
  return status === 'running' || isParked || isStopping
}
