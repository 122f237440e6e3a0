import type { LogEntry } from '../../events/log-entry.ts'
import type { JsonValue } from '../../events/json-value.ts'
import type { TaskTable } from '../../scheduler/task-table.ts'

/** Outputs of one commit, bytes, beyond which it does not wait for orders, each of which may hold them again. */
const MAX_OUTPUT_WEIGHT = 64 * 1024

type End = Extract<LogEntry, { readonly type: 'task_complete' }>

/**
 * Successes that are committed together with the orders that follow from them: one commit a step instead of two. Until their
 * commit has settled, they are in the task table and their outputs are known to references, but they are not in the log: readers do
 * not see them.
 */
export class EarlyEnds {
  readonly #outputs = new Map<string, JsonValue>()

  /**
   * Applies recorded ends to the table before they are appended, if every pending change is a success with a small output; otherwise
   * does nothing: a failure may stop what a success would start, and readers would wait for the orders of a large output. The caller
   * makes sure that starts follow from the table and outputs alone.
   */
  apply(changes: readonly LogEntry[], table: TaskTable, now: number): void {
    const ends = changes.filter(isSuccess)
    const weight = ends.reduce((sum, { output }) => sum + (output?.weight ?? 0), 0)
    if (ends.length < changes.length || weight > MAX_OUTPUT_WEIGHT) return
    for (const end of ends) {
      if (end.output !== undefined) this.#outputs.set(end.data.taskId, end.output)
      table.apply(end, now)
    }
  }

  /** `undefined` for a task whose end is in the log, or does not exist. */
  outputOf(taskId: string): JsonValue | undefined {
    return this.#outputs.get(taskId)
  }

  /** Forgets the outputs: the log has them now. */
  clear(): void {
    this.#outputs.clear()
  }
}

function isSuccess(entry: LogEntry): entry is End {
  return entry.type === 'task_complete' && entry.data.status === 'success'
}
