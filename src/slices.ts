import { afterTurn, isTurnSpent } from './clock.ts'

/** Work that can be interrupted: it yields about every millisecond. */
export type Steps<T> = Generator<undefined, T, undefined>

/** Runs all steps in one piece. */
export function runAtOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

/**
 * Runs steps in slices: as long as the budget of a turn of the event loop lasts (`isTurnSpent`), then the loop turns. The
 * first slice runs at once.
 * @returns the result, without a promise if the first slice reached it; throws or rejects with what a step throws
 */
export function runInSlices<T>(steps: Steps<T>): T | Promise<T> {
  const first = runSlice(steps)
  if (first.done) return first.value
  return new Promise((resolve, reject) => {
    const next = (): void => {
      try {
        const step = runSlice(steps)
        if (step.done) resolve(step.value)
        else afterTurn(next)
      } catch (error) {
        reject(error)
      }
    }
    afterTurn(next)
  })
}

/** Runs at least one step, so that work proceeds beside other work that spends every turn. */
function runSlice<T>(steps: Steps<T>): IteratorResult<undefined, T> {
  // The turn's time counts from the first question for it.
  isTurnSpent()
  for (;;) {
    const step = steps.next()
    if (step.done || isTurnSpent()) return step
  }
}
