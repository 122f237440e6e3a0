import { onAbort } from './abort-signals.ts'
import type { Clock } from './clock.ts'

/** Resolves after `ms`. @throws the signal's reason once it aborts; no timer and no listener remains */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error)
      return
    }
    let stopListening = (): void => {}
    const stopTimer = clock.after(ms, () => {
      stopListening()
      resolve()
    })
    if (signal === undefined) return
    stopListening = onAbort(signal, () => {
      stopTimer()
      reject(signal.reason as Error)
    })
  })
}
