import type { AttemptKey } from '../../../attempt/runner.ts'
import type { Row } from '../connection/database.ts'
import { fromStored, toStored } from '../stored-text.ts'

/** Keys as three parallel arrays: executions, tasks, attempts. */
export function toKeyValues(keys: readonly AttemptKey[]): readonly [string[], string[], number[]] {
  return [
    keys.map(({ executionId }) => executionId),
    keys.map(({ taskId }) => toStored(taskId)),
    keys.map(({ attempt }) => attempt),
  ]
}

export function readKey(row: Row): AttemptKey {
  return {
    executionId: row['execution_id'] as string,
    taskId: fromStored(row['task']),
    attempt: row['attempt'] as number,
  }
}

/** The key as text. The id of an execution has no space. */
export function nameOf({ executionId, taskId, attempt }: AttemptKey): string {
  return `${executionId} ${attempt} ${taskId}`
}
