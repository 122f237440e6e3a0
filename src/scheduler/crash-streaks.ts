import type { ResumeCause } from '../events/events.ts'

/** Number of consecutive crashes in which each task was in flight. Tasks with a count of 0 are not kept. */
export class CrashStreaks {
  #counts: Map<number, number> | undefined

  of(task: number): number {
    return this.#counts?.get(task) ?? 0
  }

  /** The tasks with at least this count. */
  list(count: number): number[] {
    return Array.from(this.#counts ?? []).flatMap(([task, of]) => (of >= count ? [task] : []))
  }

  /** Whether a worker was lost. */
  hasLost = false

  /** The worker of a task was lost, which is a crash of this task alone. */
  lost(task: number): void {
    this.hasLost = true
    this.#counts ??= new Map()
    this.#counts.set(task, this.of(task) + 1)
  }

  /**
   * A handoff is not a crash and leaves the counts unchanged; a manual resumption resets them. @param inFlight tasks that
   * were running
   * @param kept those whose attempts continue: their counts stay
   */
  apply(cause: ResumeCause, inFlight: readonly number[], kept: ReadonlySet<number | undefined>): void {
    if (cause === 'handoff') return
    const counts = new Map<number, number>()
    for (const task of cause === 'crash' ? inFlight : []) {
      const count = this.of(task) + (kept.has(task) ? 0 : 1)
      if (count > 0) counts.set(task, count)
    }
    this.#counts = counts
  }
}
