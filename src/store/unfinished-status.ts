import type { DagstreamError } from '../errors.ts'
import type { Parked, SSEEventType } from '../events/events.ts'

/** The stored status of an unfinished execution, derived from the types of appended entries. */
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

/** Whether entries of this type change the status of an unfinished execution. */
export function changesStatus(type: SSEEventType): boolean {
  return type === 'execution_stopping' || type === 'execution_parked' || type === 'execution_resumed'
}

/** Parses a status: whether the execution is parked, and whether it is stopping. */
export function readStatus(status: string): { readonly isParked: boolean; readonly isStopping: boolean } {
  return {
    isParked: status === 'parked' || status === 'parked, stopping',
    isStopping: status === 'stopping' || status === 'parked, stopping',
  }
}

/** Why an unfinished execution with a damaged record or log is parked. @param error with the code `RECORD_UNUSABLE` */
export function describeUnusable({ message }: DagstreamError): Parked {
  return { code: 'RECORD_UNUSABLE', message, tasks: [] }
}
