import type { ExecutionStatus, Parked } from '../../events/events.ts'

/** The status of an execution that clients see. */
export type ShownStatus = 'running' | 'parked' | ExecutionStatus

/** The status of an execution that a store has. */
export function showStatus({
  status,
  parked,
}: {
  readonly status: 'running' | ExecutionStatus
  readonly parked?: Parked | undefined
}): ShownStatus {
  return status === 'running' && parked !== undefined ? 'parked' : status
}
