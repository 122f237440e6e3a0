import type { TaskResult } from '../events/events.ts'
import type { RunOn } from '../workflow/document.ts'

/** How a task ended, as its dependents distinguish it. */
export const END = {
  succeeded: 0,
  /** It failed, and its failure is tolerated. */
  tolerated: 1,
  failed: 2,
  /** It was skipped because one of its ancestors failed. */
  skippedByFailure: 3,
  cancelled: 4,
  /**
   * Skips that are not failures: its condition was false, its `runOn` was not met, or a dependency that it reads was
   * skipped.
   */
  conditionFalse: 5,
  notNeeded: 6,
  dependencySkipped: 7,
} as const

export type End = (typeof END)[keyof typeof END]

/** Number of kinds of ends. */
export const END_KINDS = 8

/** The code with which a task is skipped because of its dependencies. */
export type SkipCode = 'DEPENDENCY_FAILED' | 'DEPENDENCY_SKIPPED' | 'NOT_NEEDED'

/** Decision about a task: it waits, starts, or is skipped with a code. */
export type Decision = 'wait' | 'start' | SkipCode

/**
 * The one rule of whether a task starts: a pure function of how its dependencies ended.
 *
 * By default a dependency that failed, or was skipped or cancelled by a failure, decides at once. A skip without a failure
 * skips the tasks that read it, once all dependencies have ended. `runOn: "failure"` and `"settled"` are decided once all
 * dependencies have ended.
 * @param unsettled number of dependencies that have not ended
 * @param ends numbers of ended dependencies from `at` on, by `End`; successes may be omitted
 * @param readsSkipped whether it reads a dependency that was skipped without a failure; called only if that decides
 */
export function decide(
  runOn: RunOn,
  unsettled: number,
  ends: ArrayLike<number>,
  at = 0,
  readsSkipped: () => boolean = () => false,
): Decision {
  const blocking =
    (ends[at + END.failed] as number) +
    (ends[at + END.skippedByFailure] as number) +
    (ends[at + END.cancelled] as number)
  if (runOn === 'success') {
    if (blocking > 0) return 'DEPENDENCY_FAILED'
    if (unsettled > 0) return 'wait'
    const skipped =
      (ends[at + END.conditionFalse] as number) +
      (ends[at + END.notNeeded] as number) +
      (ends[at + END.dependencySkipped] as number)
    return skipped > 0 && readsSkipped() ? 'DEPENDENCY_SKIPPED' : 'start'
  }
  if (unsettled > 0) return 'wait'
  return runOn === 'settled' || blocking + (ends[at + END.tolerated] as number) > 0 ? 'start' : 'NOT_NEEDED'
}

/** Whether an end counts as a failure for dependents. */
export function isFailure(end: End): boolean {
  return end === END.failed || end === END.skippedByFailure || end === END.cancelled
}

/** Whether an end is a skip without a failure. */
export function isHarmlessSkip(end: End): boolean {
  return end === END.conditionFalse || end === END.notNeeded || end === END.dependencySkipped
}

/** The end of a task that is skipped for this reason. */
export function endOfSkip(code: SkipCode): End {
  if (code === 'DEPENDENCY_FAILED') return END.skippedByFailure
  return code === 'NOT_NEEDED' ? END.notNeeded : END.dependencySkipped
}

/** Classifies the end in a `task_complete`. */
export function classifyEnd({ status, code, optional }: Pick<TaskResult, 'status' | 'code' | 'optional'>): End {
  if (status === 'success') return END.succeeded
  if (status === 'error') return optional ? END.tolerated : END.failed
  if (status === 'cancelled') return END.cancelled
  if (code === 'CONDITION_FALSE') return END.conditionFalse
  if (code === 'NOT_NEEDED') return END.notNeeded
  return code === 'DEPENDENCY_SKIPPED' ? END.dependencySkipped : END.skippedByFailure
}

const NONE: Int32Array = new Int32Array(END_KINDS)

/** Numbers of dependencies of each task that ended other than by success. Allocated at the first such end. */
export class EndTallies {
  #counts: Int32Array = NONE

  /** Counts the end of one dependency of `task`. @param size the number of tasks */
  add(task: number, end: End, size: number): void {
    if (this.#counts.length < size * END_KINDS) {
      // Doubled, so that growth costs a constant amount for each task.
      const grown = new Int32Array(Math.max(size * END_KINDS, 2 * this.#counts.length))
      if (this.#counts !== NONE) grown.set(this.#counts)
      this.#counts = grown
    }
    const at = task * END_KINDS + end
    this.#counts[at] = (this.#counts[at] as number) + 1
  }

  /** Applies the rule to a task. */
  decide(task: number, runOn: RunOn, unsettled: number, readsSkipped: (task: number) => boolean): Decision {
    const at = task * END_KINDS
    return at < this.#counts.length && this.#counts !== NONE
      ? decide(runOn, unsettled, this.#counts, at, () => readsSkipped(task))
      : decide(runOn, unsettled, NONE)
  }

  /** The counts of a task, by `End`. */
  of(task: number): number[] {
    const at = task * END_KINDS
    return Array.from({ length: END_KINDS }, (_, end) => (this.#counts === NONE ? 0 : (this.#counts[at + end] ?? 0)))
  }
}
