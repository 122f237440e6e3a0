import type { ResumeCause } from '../events/events.ts'

/** Number of consecutive crashes in which each task was in flight. Tasks with a count of 0 are not kept. */
export class CrashStreaks {
  #counts: ReadonlyMap<number, number> | undefined

  of(task: number): number {
    return this.#counts?.get(task) ?? 0
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
