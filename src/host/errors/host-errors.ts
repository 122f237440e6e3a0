import { DagstreamError } from '../../errors.ts'

export function shuttingDown(): DagstreamError {
  return new DagstreamError('SHUTTING_DOWN', 'The server is shutting down')
}

export function executionEnded(): DagstreamError {
  return new DagstreamError('EXECUTION_ENDED', 'The execution has ended')
}

export function executionRunning(): DagstreamError {
  return new DagstreamError('EXECUTION_RUNNING', 'The execution has not ended; cancel it first')
}

export function executionNotFound(): DagstreamError {
  return new DagstreamError('EXECUTION_NOT_FOUND', 'There is no such execution')
}

/** The store cannot tell whether another process runs the execution. */
export function interrupted(): DagstreamError {
  return new DagstreamError('INTERRUPTED', 'The execution does not run in this process')
}

export function tooManyExecutions(maxExecutions: number): DagstreamError {
  return new DagstreamError('TOO_MANY_EXECUTIONS', `There are ${maxExecutions} executions running already`)
}
