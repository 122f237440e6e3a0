import type { ExecutionStatus } from '../events/events.ts'
import type { ExecutionNotes } from '../log/execution-notes.ts'

/** Where an execution is, as clients are told. */
export type ShownStatus = 'running' | 'parked' | ExecutionStatus

/** Why an execution goes on only by hand. */
export type Parked = NonNullable<ExecutionNotes['parked']>

interface Kept {
  readonly status: 'running' | ExecutionStatus
  readonly notes?: ExecutionNotes | undefined
}

/** Why it is not taken up by itself any more; `undefined` for what is, or has ended. */
export function findParked({ status, notes }: Kept): Parked | undefined {
  return status === 'running' ? (notes?.parked ?? undefined) : undefined
}

export function showStatus(kept: Kept): ShownStatus {
  return findParked(kept) === undefined ? kept.status : 'parked'
}
