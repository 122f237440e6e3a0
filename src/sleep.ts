import { onAbort } from './abort-signals.ts'
import type { Clock } from './clock.ts'

/** Resolves after `ms`. @throws the signal's reason once it aborts; no timer and no listener remains */
export async function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  let stopTimer = (): void => {}
  let stopListening = (): void => {}
  try {
    await new Promise<void>((resolve, reject) => {
      stopTimer = clock.after(ms, resolve)
      if (signal !== undefined) stopListening = onAbort(signal, () => reject(signal.reason as Error))
    })
  } finally {
    stopTimer()
    stopListening()
  }
}
