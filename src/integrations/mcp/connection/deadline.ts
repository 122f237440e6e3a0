import type { Clock } from '../../../clock.ts'

/** Settles as the promise does, or as `onLate` says once the time is over. @param delayMs milliseconds */
export async function withDeadline<T>(
  clock: Clock,
  delayMs: number,
  promise: Promise<T>,
  onLate: () => T | Promise<T>,
): Promise<T> {
  let cancelTimer = (): void => {}
  const late = new Promise<void>(resolve => {
    cancelTimer = clock.after(delayMs, resolve)
  })
  try {
    return await Promise.race([promise, late.then(onLate)])
  } finally {
    cancelTimer()
  }
}
