import type { CliProcess } from './console.ts'

/** Counts Ctrl-C and other termination signals until it is stopped. */
export interface Interrupts {
  /** Counts a Ctrl-C that a prompt has received instead of the process. */
  readonly raise: (signal: string) => void
  readonly stop: () => void
}

/**
 * Calls `onInterrupt` at the first Ctrl-C or other termination signal, and at the second one if that has a meaning of its own.
 * The next one exits at once.
 */
export function listenForInterrupts(
  process: CliProcess,
  onInterrupt: (signal: string, count: number) => void,
  hasSecond: () => boolean = () => false,
): Interrupts {
  let count = 0
  const raise = (signal: string): void => {
    if (count >= (hasSecond() ? 2 : 1)) return process.exit(130)
    count += 1
    onInterrupt(signal, count)
  }
  return { raise, stop: process.onInterrupt(raise) }
}

/** Hint for the next signal. @param effect what it does */
export function describeNext(signal: string, effect = 'exit at once'): string {
  return `${signal === 'SIGINT' ? 'press Ctrl-C' : `send ${signal}`} again to ${effect}`
}
