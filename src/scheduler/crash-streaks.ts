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
   */
  apply(cause: ResumeCause, inFlight: readonly number[]): void {
    if (cause === 'handoff') return
    const counts = new Map<number, number>()
    if (cause === 'crash') for (const task of inFlight) counts.set(task, this.of(task) + 1)
    this.#counts = counts
  }
}
