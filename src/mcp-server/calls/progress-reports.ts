import type { LogEntry } from '../../events/log-entry.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import type { CallProgress } from './mcp-call.ts'

/** Up to this many reports of a call, each task has its own; from then on there is one for each percent of the tasks. */
const MAX_SINGLE = 200

/** Reports of the progress of one call: one for each task that ends, as long as there are few. */
export class ProgressReports {
  readonly #send: (progress: CallProgress) => Promise<void>
  #reportCount = 0
  #lastPercent = -1
  #sent = 0

  constructor(send: (progress: CallProgress) => Promise<void>) {
    this.#send = send
  }

  /** Reports the tasks that end in these entries. `state` is that after the last of them. Never rejects. */
  async follow(entries: readonly LogEntry[], { counts }: ExecutionState): Promise<void> {
    const ends = entries.filter(({ type }) => type === 'task_complete')
    const { totalTasks: total, successCount, errorCount, skippedCount, cancelledCount } = counts
    let settled = successCount + errorCount + skippedCount + cancelledCount - ends.length
    for (const { type, data } of ends) {
      settled += 1
      if (type !== 'task_complete' || settled <= this.#sent || !this.#isDue(settled, total)) continue
      this.#sent = settled
      this.#reportCount += 1
      const message = `${data.taskId}: ${data.status}`
      // A connection that is gone ends the call by its signal.
      await this.#send({ progress: settled, total, message }).catch(() => {})
    }
  }

  #isDue(settled: number, total: number): boolean {
    const percent = Math.floor((settled / total) * 100)
    if (this.#reportCount >= MAX_SINGLE && percent === this.#lastPercent) return false
    this.#lastPercent = percent
    return true
  }
}
