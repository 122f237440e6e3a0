import type { CliProcess } from './console.ts'

/**
 * Calls `onFirst` at the first Ctrl-C or other termination signal; a second one exits at once. @returns a function that stops
 * listening
 */
export function listenForInterrupts(process: CliProcess, onFirst: (signal: string) => void): () => void {
  let isInterrupted = false
  return process.onInterrupt(signal => {
    if (isInterrupted) return process.exit(130)
    isInterrupted = true
    onFirst(signal)
  })
}

/** Hint for an immediate exit, shown after the first signal. */
export function describeSecond(signal: string): string {
  return `${signal === 'SIGINT' ? 'press Ctrl-C' : `send ${signal}`} again to exit at once`
}
