import type { SSEEventType } from '../events/events.ts'

/** Where an execution is that has not ended, as a store keeps it: it follows from the types of the entries that are appended. */
export type UnfinishedStatus = 'running' | 'stopping' | 'parked' | 'parked, stopping'

/** The status after an entry of this type. */
export function advanceStatus(status: UnfinishedStatus, type: SSEEventType): UnfinishedStatus {
  const isStopping = status === 'stopping' || status === 'parked, stopping'
  switch (type) {
    case 'execution_stopping':
      return status === 'parked' || status === 'parked, stopping' ? 'parked, stopping' : 'stopping'
    case 'execution_parked':
      return isStopping ? 'parked, stopping' : 'parked'
    case 'execution_resumed':
      return isStopping ? 'stopping' : 'running'
    default:
      return status
  }
}

/** Whether entries of this type change the status of an execution that has not ended. */
export function changesStatus(type: SSEEventType): boolean {
  return type === 'execution_stopping' || type === 'execution_parked' || type === 'execution_resumed'
}

/** What a status says: `isStopping` and whether it is parked. */
export function readStatus(status: string): { readonly isParked: boolean; readonly isStopping: boolean } {
  return {
    isParked: status === 'parked' || status === 'parked, stopping',
    isStopping: status === 'stopping' || status === 'parked, stopping',
  }
}
