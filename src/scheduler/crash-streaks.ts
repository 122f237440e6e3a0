import type { ResumeCause } from '../events/events.ts'

/** In how many crashes in a row each task was in flight. Tasks that were not are not kept. */
export class CrashStreaks {
  #counts: ReadonlyMap<number, number> | undefined

  of(task: number): number {
    return this.#counts?.get(task) ?? 0
  }

  /** A handoff is no crash and leaves the counts; a manual resume resets them. @param inFlight tasks that were running */
  apply(cause: ResumeCause, inFlight: readonly number[]): void {
    if (cause === 'handoff') return
    const counts = new Map<number, number>()
    if (cause === 'crash') for (const task of inFlight) counts.set(task, this.of(task) + 1)
    this.#counts = counts
  }
}
