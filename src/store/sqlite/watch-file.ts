import { statSync } from 'node:fs'
import type { Clock } from '../../clock.ts'
import type { DagstreamError } from '../../errors.ts'
import type { Logger } from '../../log/logger.ts'
import { failStore } from './store-error.ts'

/** How long until the file is looked at again, ms. */
const LOOK_EVERY_MS = 1000

/**
 * Watches whether a file is still the one that was opened: SQLite goes on with a file that has been removed or replaced, and
 * what is written to that is gone with the process.
 *
 * @returns what is wrong from now on, if anything is; it looks at most once a second, and tells the log
 */
export function watchFile(file: string, clock: Clock, logger: Logger): () => DagstreamError | undefined {
  const opened = identify(file)
  let lookedAt = clock.now()
  let fault: DagstreamError | undefined
  return () => {
    const now = clock.now()
    if (fault !== undefined || now - lookedAt < LOOK_EVERY_MS) return fault
    lookedAt = now
    if (isStill(file, opened)) return undefined
    fault = failStore(file, 'was removed or replaced while it was open: put it back, and start this process anew')
    logger.warn('The file of the store was removed or replaced: nothing is written any more', { file })
    return fault
  }
}

function isStill(file: string, opened: string | undefined): boolean {
  try {
    return identify(file) === opened
  } catch {
    // What cannot be looked at is not known to be gone.
    return true
  }
}

/** @returns `undefined` where there is none */
function identify(file: string): string | undefined {
  const stats = statSync(file, { throwIfNoEntry: false })
  return stats && `${stats.dev} ${stats.ino}`
}
