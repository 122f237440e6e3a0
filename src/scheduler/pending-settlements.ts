import type { FinalTaskStatus, Stop, TaskCode } from '../events/events.ts'
import type { SkipCode } from './task-ends.ts'

/** Tasks that end together without running, and the reason. */
export interface PendingSettlement {
  /** Indices, in the order in which their ends are recorded. */
  readonly tasks: readonly number[]
  readonly status: Exclude<FinalTaskStatus, 'success'>
  readonly code: TaskCode
  readonly error: string
  readonly causedBy?: string
}

/** Tasks that the rule skips. @param causedBy the ancestor that failed first, or the dependency whose skip is propagated */
export function describeSkipped(
  tasks: readonly number[],
  code: SkipCode,
  causedBy: string | undefined,
): PendingSettlement {
  const cause = `\`${causedBy}\``
  const error =
    code === 'DEPENDENCY_FAILED'
      ? `Skipped: task ${cause} did not succeed`
      : code === 'DEPENDENCY_SKIPPED'
        ? `Skipped: it reads task ${cause}, which was skipped`
        : 'Skipped: it runs after a failure, and no dependency failed'
  return { tasks, status: 'skipped', code, error, ...(causedBy !== undefined && { causedBy }) }
}

/** The settlement of tasks that do not run because of a stop. */
export function describeStopped(tasks: readonly number[], { message: error, code }: Stop): PendingSettlement {
  if (code === undefined) return { tasks, status: 'cancelled', code: 'CANCELLED', error }
  return { tasks, status: 'error', code, error }
}

/** The stop under `fail-fast`. */
export function describeFailFast(taskId: string): Stop {
  return { message: `Cancelled: task \`${taskId}\` failed` }
}

/** The stop of the other items of a `forEach` after too many have failed. */
export function describeItemsFailed(taskId: string, toleratedCount: number): Stop {
  return { message: `Cancelled: item \`${taskId}\` failed, and at most ${toleratedCount} may` }
}

/** The stop of the other tasks of a plan after its planner has failed. */
export function describePlannerFailed(taskId: string): Stop {
  return { message: `Cancelled: the plan is incomplete, \`${taskId}\` failed` }
}

/** Decided ends in the order in which they are recorded. A transient cursor marks the ends that were taken. */
export class PendingSettlements {
  readonly #all: PendingSettlement[] = []
  #ending = 0
  #task = 0
  #unrecordedCount = 0
  /** Tasks whose ending was withdrawn; at most as many as one slice starts. */
  #withdrawn: number[] | undefined

  add(ending: PendingSettlement): void {
    if (ending.tasks.length > 0) this.#all.push(ending)
    this.#unrecordedCount += ending.tasks.length
  }

  /** Counts an ending that is in the log. */
  recorded(): void {
    this.#unrecordedCount -= 1
  }

  /** Removes the ending of a task that starts after all. It may be added again. */
  withdraw(task: number): void {
    this.#unrecordedCount -= 1
    this.#withdrawn ??= []
    this.#withdrawn.push(task)
  }

  /** Whether the ending of this task was withdrawn; each withdrawal counts once. */
  #isWithdrawn(task: number): boolean {
    const at = this.#withdrawn?.indexOf(task) ?? -1
    if (at >= 0) this.#withdrawn?.splice(at, 1)
    return at >= 0
  }

  /** Whether all endings are in the log. */
  get areRecorded(): boolean {
    return this.#unrecordedCount === 0
  }

  /** Whether all endings have been taken. */
  get isEmpty(): boolean {
    return this.#ending === this.#all.length
  }

  /** Takes the next task for which `isDue` holds, with its ending. */
  take(isDue: (task: number) => boolean): { readonly task: number; readonly ending: PendingSettlement } | undefined {
    while (this.#ending < this.#all.length) {
      const ending = this.#all[this.#ending] as PendingSettlement
      const task = ending.tasks[this.#task] as number
      this.#task += 1
      if (this.#task === ending.tasks.length) {
        this.#ending += 1
        this.#task = 0
      }
      if (!this.#isWithdrawn(task) && isDue(task)) return { task, ending }
    }
    return undefined
  }

  /** All endings, whether taken or not. */
  list(): readonly PendingSettlement[] {
    return this.#all
  }
}

interface Skip {
  readonly task: number
  readonly code: SkipCode
  readonly causedBy: string | undefined
}

/** Collects the tasks that one event skips, directly and through their dependents. */
export class SkipCascade {
  /** Skipped tasks whose dependents are not updated yet. */
  readonly #open: Skip[] = []
  #skipped: Skip[] = []

  add(task: number, code: SkipCode, causedBy: string | undefined): void {
    this.#open.push({ task, code, causedBy })
  }

  get isEmpty(): boolean {
    return this.#open.length === 0
  }

  /** Takes the next skipped task, whose dependents must be updated. */
  take(isBlocked: (task: number) => boolean): Skip | undefined {
    for (let skip = this.#open.pop(); skip !== undefined; skip = this.#open.pop()) {
      if (!isBlocked(skip.task)) continue
      this.#skipped.push(skip)
      return skip
    }
    return undefined
  }

  /** Returns the taken tasks in document order, grouping adjacent ones with the same reason. Empties the cascade. */
  collect(): PendingSettlement[] {
    const skipped = this.#skipped.sort((a, b) => a.task - b.task)
    this.#skipped = []
    const endings: PendingSettlement[] = []
    for (let from = 0; from < skipped.length; ) {
      const { code, causedBy } = skipped[from] as Skip
      let to = from + 1
      while (skipped[to]?.code === code && skipped[to]?.causedBy === causedBy) to += 1
      endings.push(
        describeSkipped(
          skipped.slice(from, to).map(({ task }) => task),
          code,
          causedBy,
        ),
      )
      from = to
    }
    return endings
  }
}
