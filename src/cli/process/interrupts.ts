import type { CliProcess } from './console.ts'

/**
 * Calls `onInterrupt` at the first Ctrl-C or other termination signal, and at the second one if that has a meaning of its own.
 * The next one exits at once.
 * @returns a function that stops listening
 */
export function listenForInterrupts(
  process: CliProcess,
  onInterrupt: (signal: string, count: number) => void,
  hasSecond: () => boolean = () => false,
): () => void {
  let count = 0
  return process.onInterrupt(signal => {
    if (count >= (hasSecond() ? 2 : 1)) return process.exit(130)
    count += 1
    onInterrupt(signal, count)
  })
}

/** Hint for the next signal. @param effect what it does */
export function describeNext(signal: string, effect = 'exit at once'): string {
  return `${signal === 'SIGINT' ? 'press Ctrl-C' : `send ${signal}`} again to ${effect}`
}
