import type { LogEntry } from '../events/log-entry.ts'
import type { Permits } from '../scheduler/permits.ts'
import { PHASE } from '../scheduler/task-columns.ts'
import type { TaskTable } from '../scheduler/task-table.ts'
import type { ActiveAttempts } from './active-attempts.ts'
import type { Commands } from './commands.ts'
import type { GroupDecisions } from './groups/group-decisions.ts'
import type { RetryDelays } from './retry-delays.ts'

/** The parts of an execution that the entries of its log have an effect on. */
export interface EffectParts {
  readonly table: TaskTable
  readonly commands: Commands
  readonly attempts: ActiveAttempts
  readonly delays: RetryDelays
  readonly permits: Permits
  readonly decisions: GroupDecisions | undefined
}

/** Applies the entries of a log to the table, and lets happen what follows from them. */
export class Effects {
  readonly #parts: EffectParts
  #stopCount: number

  constructor(parts: EffectParts) {
    this.#parts = parts
    this.#stopCount = parts.table.stopCount
  }

  /** The entry is in the log. @param now by the monotonic clock, ms */
  apply(entry: LogEntry, now: number): void {
    const { table, commands, attempts, delays, decisions } = this.#parts
    table.apply(entry, now)
    if (entry.type === 'task_start') attempts.begin(entry.taskIndex)
    else if (entry.type === 'task_retry') delays.follow(table.delays, entry.taskIndex)
    else if (entry.type === 'tasks_added') decisions?.added(entry)
    else commands.applied(entry)
    if (table.stopCount !== this.#stopCount) this.#stopped()
  }

  /** Stops are in the log, or follow from a failure in it. */
  #stopped(): void {
    const { table, attempts, delays, permits } = this.#parts
    this.#stopCount = table.stopCount
    delays.prune(table.delays)
    permits.prune(task => table.columns.phase[task] === PHASE.ending)
    attempts.abort()
  }
}
