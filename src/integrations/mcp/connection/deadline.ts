import type { Clock } from '../../../clock.ts'

/** Settles as the promise does, or with the result of `onLate` after the delay. @param delayMs milliseconds */
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
