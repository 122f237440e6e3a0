import { describeSkipped, type Ending } from './pending-endings.ts'
import type { SkipCode } from './task-ends.ts'

interface Skip {
  readonly task: number
  readonly code: SkipCode
  readonly causedBy: string | undefined
}

/** Gathers the tasks that one event skips, directly and through their dependents. */
export class SkipCascade {
  /** Skipped, and their dependents not told. */
  readonly #open: Skip[] = []
  #skipped: Skip[] = []

  add(task: number, code: SkipCode, causedBy: string | undefined): void {
    this.#open.push({ task, code, causedBy })
  }

  /** The next task that is blocked no more; its dependents are to be told. */
  take(isBlocked: (task: number) => boolean): Skip | undefined {
    for (let skip = this.#open.pop(); skip !== undefined; skip = this.#open.pop()) {
      if (!isBlocked(skip.task)) continue
      this.#skipped.push(skip)
      return skip
    }
    return undefined
  }

  /** What was taken, in document order; neighbours that are skipped alike end together. Empties the cascade. */
  collect(): Ending[] {
    const skipped = this.#skipped.sort((a, b) => a.task - b.task)
    this.#skipped = []
    const endings: Ending[] = []
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
