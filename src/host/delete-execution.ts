import type { ExecutionHost } from './execution-host.ts'
import { conflict } from '../http/answers/problem.ts'

/**
 * Removes an execution that has ended, or that is parked.
 * @throws HttpProblem 409 for any other; what the store throws
 */
export async function deleteExecution({ running, kept, recovery }: ExecutionHost, executionId: string): Promise<void> {
  const remove = async (): Promise<void> => {
    const hosted = running.get(executionId) ?? (await kept.find(executionId))
    // Perhaps in another process.
    if (hosted !== undefined && !hosted.hasEnded && hosted.parked === undefined) {
      throw conflict('The execution has not ended; cancel it first', 'EXECUTION_RUNNING')
    }
    await kept.delete(executionId)
    recovery?.parked.remove(executionId)
  }
  await (recovery?.alone(executionId, remove) ?? remove())
}
