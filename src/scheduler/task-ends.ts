import type { TaskResult } from '../events/events.ts'

/** How a task ended, as its dependents distinguish it. */
export const END = {
  succeeded: 0,
  /** It failed, and its failure is tolerated. */
  tolerated: 1,
  failed: 2,
  /** It was skipped because one of its ancestors failed. */
  skippedByFailure: 3,
  cancelled: 4,
  /** Skips that are no failure: its condition was false, its `runOn` was not met, what it reads was skipped. */
  conditionFalse: 5,
  notNeeded: 6,
  dependencySkipped: 7,
} as const

export type End = (typeof END)[keyof typeof END]

/** How many kinds of ends there are. */
export const END_KINDS = 8

/** What a task does next. */
export type Decision = 'wait' | 'start' | 'skip'

/**
 * The one rule of whether a task starts: a pure function of how its dependencies ended.
 *
 * A dependency that failed, or was skipped or cancelled by a failure, decides at once. A tolerated failure and a skip that is
 * no failure count as settled only.
 * @param unsettled how many dependencies have not ended
 * @param ends how many ended in each way, from `at` on, by `End`; successes may be left out
 */
export function decide(unsettled: number, ends: ArrayLike<number>, at = 0): Decision {
  const blocking =
    (ends[at + END.failed] as number) +
    (ends[at + END.skippedByFailure] as number) +
    (ends[at + END.cancelled] as number)
  if (blocking > 0) return 'skip'
  return unsettled === 0 ? 'start' : 'wait'
}

/** The end that a `task_complete` tells of. */
export function classifyEnd({ status, code }: Pick<TaskResult, 'status' | 'code'>): End {
  if (status === 'success') return END.succeeded
  if (status === 'error') return END.failed
  if (status === 'cancelled') return END.cancelled
  if (code === 'CONDITION_FALSE') return END.conditionFalse
  if (code === 'NOT_NEEDED') return END.notNeeded
  return code === 'DEPENDENCY_SKIPPED' ? END.dependencySkipped : END.skippedByFailure
}

const NONE: Int32Array = new Int32Array(END_KINDS)

/** How the dependencies of each task ended, other than by success: kept from the first such end on. */
export class EndTallies {
  #counts: Int32Array = NONE

  /** Counts the end of one dependency of `task`. @param size the number of tasks */
  add(task: number, end: End, size: number): void {
    if (this.#counts.length < size * END_KINDS) {
      const grown = new Int32Array(size * END_KINDS)
      if (this.#counts !== NONE) grown.set(this.#counts)
      this.#counts = grown
    }
    const at = task * END_KINDS + end
    this.#counts[at] = (this.#counts[at] as number) + 1
  }

  /** What the rule says of a task. */
  decide(task: number, unsettled: number): Decision {
    const at = task * END_KINDS
    return at < this.#counts.length && this.#counts !== NONE
      ? decide(unsettled, this.#counts, at)
      : decide(unsettled, NONE)
  }

  /** The counts of a task, by `End`. */
  of(task: number): number[] {
    const at = task * END_KINDS
    return Array.from({ length: END_KINDS }, (_, end) => (this.#counts === NONE ? 0 : (this.#counts[at + end] ?? 0)))
  }
}
