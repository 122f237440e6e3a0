import { statSync } from 'node:fs'
import { basename } from 'node:path'
import type { Clock } from '../../clock.ts'
import type { DagstreamError } from '../../errors.ts'
import type { Logger } from '../../log/logger.ts'
import { failStore } from './store-error.ts'

/** Minimum interval between two checks of the file, ms. */
const LOOK_EVERY_MS = 1000

/** The parts of an open store beside its file. They exist from the first write until it is closed. */
const PARTS: readonly string[] = ['-wal', '-shm']

/** Detects that the file of an open store was moved or replaced. */
export interface FileWatch {
  /** Returns the permanent fault, if any. Checks at most once a second, and logs a fault once. */
  readonly findFault: () => DagstreamError | undefined
  /**
   * Whether the connection may be closed, which writes its log to the file and removes the parts at their paths. False if
   * other files have taken their place.
   */
  readonly mayClose: () => boolean
}

/**
 * Watches whether a file and its parts are still the opened ones. SQLite continues with removed or replaced files, and
 * data written to those is lost when the process ends.
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
    fault = failStore(file, `${name} while it was open: put it back, and restart this process`)
    logger.warn('The file of the store was removed or replaced: nothing is written any more', {
      file: `${file}${what}`,
    })
    return fault
  }
  /** @returns the suffix of the first missing part; `''` for the file itself */
  const findMoved = (): string | undefined => {
    if (!isStill(file, opened)) return ''
    for (const [part, before] of parts) {
      // The first transaction may create a part later.
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
      // A file that cannot be examined is left alone.
      return false
    }
  }
  return { findFault, mayClose }
}

function isStill(file: string, opened: string | undefined): boolean {
  try {
    return identify(file) === opened
  } catch {
    // A file that cannot be examined is not proven to be gone.
    return true
  }
}

/** @returns the device and inode of a file; `undefined` if it does not exist */
function identify(file: string): string | undefined {
  const stats = statSync(file, { throwIfNoEntry: false })
  return stats && `${stats.dev} ${stats.ino}`
}
