import { statSync } from 'node:fs'
import { basename } from 'node:path'
import type { Clock } from '../../clock.ts'
import type { DagstreamError } from '../../errors.ts'
import type { Logger } from '../../stream/logger.ts'
import { failStore } from './store-error.ts'

/** How long until the file is looked at again, ms. */
const LOOK_EVERY_MS = 1000

/** The parts of an open store beside its file: they are there from the first write on, until it is closed. */
const PARTS: readonly string[] = ['-wal', '-shm']

/** Whether the file of an open store is still where it was. */
export interface FileWatch {
  /** What is wrong from now on, if anything is. It looks at most once a second, and tells the log. */
  readonly findFault: () => DagstreamError | undefined
  /**
   * Whether the connection can be closed, which writes its log to the file and removes the parts at their paths. Not where
   * something else is in their place.
   */
  readonly mayClose: () => boolean
}

/**
 * Watches whether a file and its parts are still those that were opened: SQLite goes on with files that have been removed or
 * replaced, and what is written to those is gone with the process.
 */
export function watchFile(file: string, clock: Clock, logger: Logger): FileWatch {
  const opened = identify(file)
  const parts = new Map(PARTS.map(part => [part, identify(`${file}${part}`)]))
  let lookedAt = clock.now()
  let fault: DagstreamError | undefined
  const findFault = (): DagstreamError | undefined => {
    const now = clock.now()
    if (fault !== undefined || now - lookedAt < LOOK_EVERY_MS) return fault
    lookedAt = now
    const what = findMoved()
    if (what === undefined) return undefined
    const name = `${what === '' ? '' : `has lost its part \`${basename(file)}${what}\`, which `}was removed or replaced`
    fault = failStore(file, `${name} while it was open: put it back, and start this process anew`)
    logger.warn('The file of the store was removed or replaced: nothing is written any more', {
      file: `${file}${what}`,
    })
    return fault
  }
  /** @returns the ending of the first that is gone, which is none for the file itself */
  const findMoved = (): string | undefined => {
    if (!isStill(file, opened)) return ''
    for (const [part, before] of parts) {
      // A part may be made only by the first transaction.
      if (before === undefined) parts.set(part, identify(`${file}${part}`))
      else if (!isStill(`${file}${part}`, before)) return part
    }
    return undefined
  }
  const mayClose = (): boolean => {
    try {
      if (identify(file) !== opened) return false
      return [...parts].every(([part, before]) => [undefined, before].includes(identify(`${file}${part}`)))
    } catch {
      // What cannot be looked at is left alone.
      return false
    }
  }
  return { findFault, mayClose }
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
