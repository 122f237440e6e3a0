import type { ReaderHooks } from '../stream/fed-buffer.ts'
import type { ExecutionLoop } from './execution-loop.ts'
import type { Logger } from './options.ts'

/** Lets one reader hold an execution while it is behind by its bound. */
export function createReaderHooks(loop: ExecutionLoop, logger: Logger): ReaderHooks {
  let release: (() => void) | undefined
  return {
    hold(heldEvents) {
      logger.warn('A reader is behind by its bound: no task starts until it takes something', {
        executionId: loop.executionId,
        heldEvents,
      })
      release ??= loop.hold()
    },
    release() {
      release?.()
      release = undefined
    },
  }
}
