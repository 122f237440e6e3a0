import type { Clock } from '../clock.ts'

/** Settles with the promise, or resolves after `ms`. */
export async function settleWithin(clock: Clock, ms: number, promise: Promise<void>): Promise<void> {
  let stop = (): void => {}
  const over = new Promise<void>(resolve => (stop = clock.after(ms, resolve)))
  try {
    await Promise.race([promise, over])
  } finally {
    stop()
  }
}
