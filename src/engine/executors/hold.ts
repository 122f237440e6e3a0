import type { ReaderHold } from '../../log/log-reader.ts'
import type { BufferOptions } from '../../log/reader-bound.ts'
import type { ExecutionLoop } from '../execution-loop.ts'

/** Creates the means by which a reader pauses an execution while its buffer is full. */
export function createHold(loop: ExecutionLoop, buffer: BufferOptions): ReaderHold {
  let release: (() => void) | undefined
  return {
    buffer,
    hold() {
      release ??= loop.pause()
    },
    release() {
      release?.()
      release = undefined
    },
  }
}
