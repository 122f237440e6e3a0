import type { Hints } from '../../cluster/shared-store.ts'

/** The parts of the hints of logs. */
export interface LogHintsParts {
  readonly hints: Hints
  /** Entries of an execution may have been appended. */
  readonly wake: (executionId: string) => void
  /** Those of any execution may have been. */
  readonly wakeAll: () => void
  readonly onError: (error: unknown) => void
}

/** Hints of logs. Received only while they are wanted: each append of another server would wake this one. */
export class LogHints {
  readonly #parts: LogHintsParts
  #subscribed: Promise<() => Promise<void>> | undefined

  constructor(parts: LogHintsParts) {
    this.#parts = parts
  }

  /** Never rejects. */
  async want(isWanted: boolean): Promise<void> {
    const { hints, wake, wakeAll, onError } = this.#parts
    const earlier = this.#subscribed
    if (isWanted === (earlier !== undefined)) return
    this.#subscribed = undefined
    try {
      if (earlier !== undefined) return await (await earlier)()
      const subscribed = hints.subscribe(
        found => {
          if (found === undefined) wakeAll()
          else for (const hint of found) if (hint.kind === 'log') wake(hint.executionId)
        },
        ['log'],
      )
      this.#subscribed = subscribed
      await subscribed
      // What came before has had no hint.
      wakeAll()
    } catch (error) {
      this.#subscribed = undefined
      onError(error)
    }
  }
}
