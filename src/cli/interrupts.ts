import type { CliProcess } from './console.ts'

/** Calls `onFirst` at the first Ctrl-C; a second one exits at once. @returns what stops that */
export function listenForInterrupts(process: CliProcess, onFirst: () => void): () => void {
  let isInterrupted = false
  return process.onInterrupt(() => {
    if (isInterrupted) return process.exit(130)
    isInterrupted = true
    onFirst()
  })
}
