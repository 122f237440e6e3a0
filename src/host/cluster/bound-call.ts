import type { Clock } from '../../clock.ts'
import { DagstreamError } from '../../errors.ts'

/** Maximum time that a request to start an execution waits for one answer of the store, ms. */
const ANSWER_MS = 4000

/**
 * Waits for a call of the store for a bounded time.
 * @param onLate receives the result of a call that succeeds after the bound; must not throw
 * @returns rejects as the call does, and with `STORE_FAILED` after 4 s
 */
export function boundCall<T>(clock: Clock, call: Promise<T>, onLate: (result: T) => void = () => {}): Promise<T> {
  return new Promise((resolve, reject) => {
    let isLate = false
    const stop = clock.after(ANSWER_MS, () => {
      isLate = true
      reject(new DagstreamError('STORE_FAILED', `The store has not answered within ${ANSWER_MS} ms`))
    })
    call.then(
      result => {
        stop()
        if (isLate) onLate(result)
        else resolve(result)
      },
      (error: unknown) => {
        stop()
        reject(error)
      },
    )
  })
}
