import type { LogEntry } from '../../events/log-entry.ts'
import type { JsonValue } from '../../events/json-value.ts'
import type { TaskTable } from '../../scheduler/task-table.ts'

/**
 * Successes that are committed together with the orders that follow from them: one commit a step instead of two. Until their
 * commit has settled, they are in the task table and known to references, but not in the log: readers do not see them.
 */
export class EarlyEnds {
  readonly #outputs = new Map<string, JsonValue | undefined>()

  /** Applies the next changes of the log if all are successes. Only where nothing else that decides reads the log. */
  apply(changes: readonly LogEntry[], table: TaskTable, now: number): void {
    if (!changes.every(entry => entry.type === 'task_complete' && entry.data.status === 'success')) return
    for (const entry of changes) {
      if (entry.type !== 'task_complete') continue
      this.#outputs.set(entry.data.taskId, entry.output)
      table.apply(entry, now)
    }
  }

  has(taskId: string): boolean {
    return this.#outputs.has(taskId)
  }

  outputOf(taskId: string): JsonValue | undefined {
    return this.#outputs.get(taskId)
  }

  /** They are in the log. */
  clear(): void {
    this.#outputs.clear()
  }
}
