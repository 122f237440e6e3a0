import type { ReaderHooks } from '../stream/log-reader.ts'
import type { ExecutionLoop } from './execution-loop.ts'
import type { Logger } from './options.ts'

/** Lets one reader hold an execution while it is behind by its bound. */
export function createHold(loop: ExecutionLoop, logger: Logger): Pick<ReaderHooks, 'hold' | 'release'> {
  let release: (() => void) | undefined
  return {
    hold(waitingEvents) {
      logger.warn('A reader is behind by its bound: no task starts until it has taken half of what waits', {
        executionId: loop.executionId,
        waitingEvents,
      })
      release ??= loop.hold()
    },
    release() {
      release?.()
      release = undefined
    },
  }
}
