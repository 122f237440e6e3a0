import type { CliProcess } from './console.ts'

/** Calls `onFirst` at the first Ctrl-C, or other signal to end; a second one exits at once. @returns what stops that */
export function listenForInterrupts(process: CliProcess, onFirst: (signal: string) => void): () => void {
  let isInterrupted = false
  return process.onInterrupt(signal => {
    if (isInterrupted) return process.exit(130)
    isInterrupted = true
    onFirst(signal)
  })
}

/** How to exit at once, to whoever sent the first signal. */
export function describeSecond(signal: string): string {
  return `${signal === 'SIGINT' ? 'press Ctrl-C' : `send ${signal}`} again to exit at once`
}
