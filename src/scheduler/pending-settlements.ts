import type { FinalTaskStatus, Stop, TaskCode } from '../events/events.ts'

/** Tasks that end together without running, and why. */
export interface PendingSettlement {
  /** Indices, in the order in which their ends are recorded. */
  readonly tasks: readonly number[]
  readonly status: Exclude<FinalTaskStatus, 'success'>
  readonly code: TaskCode
  readonly error: string
  readonly causedBy?: string
}

/** Tasks that do not run since an ancestor failed. @param causedBy the ancestor that failed first */
export function describeSkipped(tasks: readonly number[], causedBy: string): PendingSettlement {
  const error = `Skipped: task \`${causedBy}\` did not succeed`
  return { tasks, status: 'skipped', code: 'DEPENDENCY_FAILED', error, causedBy }
}

/** Tasks that do not run since their execution is being ended. */
export function describeStopped(tasks: readonly number[], { message: error, code }: Stop): PendingSettlement {
  if (code === undefined) return { tasks, status: 'cancelled', code: 'CANCELLED', error }
  return { tasks, status: 'error', code, error }
}

/** Why the rest is cancelled when one task has failed. */
export function describeFailFast(taskId: string): Stop {
  return { message: `Cancelled: task \`${taskId}\` failed` }
}

/** Ends that are decided, in the order in which they are recorded. A cursor, which is transient, says which have been taken. */
export class PendingSettlements {
  readonly #all: PendingSettlement[] = []
  #ending = 0
  #task = 0

  add(ending: PendingSettlement): void {
    if (ending.tasks.length > 0) this.#all.push(ending)
  }

  /** Whether all have been taken. */
  get isEmpty(): boolean {
    return this.#ending === this.#all.length
  }

  /** The next task of which `isDue` holds, with its ending. */
  take(isDue: (task: number) => boolean): { readonly task: number; readonly ending: PendingSettlement } | undefined {
    while (this.#ending < this.#all.length) {
      const ending = this.#all[this.#ending] as PendingSettlement
      const task = ending.tasks[this.#task] as number
      this.#task += 1
      if (this.#task === ending.tasks.length) {
        this.#ending += 1
        this.#task = 0
      }
      if (isDue(task)) return { task, ending }
    }
    return undefined
  }

  /** All, whether taken or not. */
  list(): readonly PendingSettlement[] {
    return this.#all
  }
}
