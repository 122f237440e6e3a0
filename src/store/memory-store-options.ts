import { CLOCK_METHODS, type Clock, systemClock } from '../clock.ts'
import { expectMethods, invalidOption } from '../errors.ts'
import { resolveTailBounds, type TailBounds } from '../log/entry-tail.ts'

/** Retention of finished executions. Running executions are always kept. */
export interface MemoryStoreOptions extends TailBounds {
  /** Maximum time since the end, ms. @defaultValue one hour */
  readonly maxFinishedAgeMs?: number
  /** @defaultValue 1,000 */
  readonly maxFinishedCount?: number
  /** Maximum total size, approximate bytes. @defaultValue 256 MiB */
  readonly maxFinishedBytes?: number
  /** Maximum age of a remembered output, ms. @defaultValue one hour */
  readonly maxCacheAgeMs?: number
  /** Maximum total size of remembered outputs, approximate bytes. @defaultValue 64 MiB */
  readonly maxCacheBytes?: number
  readonly clock?: Clock
}

const DEFAULTS = {
  maxFinishedAgeMs: 60 * 60 * 1000,
  maxFinishedCount: 1000,
  maxFinishedBytes: 256 * 1024 * 1024,
  maxCacheAgeMs: 60 * 60 * 1000,
  maxCacheBytes: 64 * 1024 * 1024,
  clock: systemClock,
}

const BOUNDS = ['maxFinishedAgeMs', 'maxFinishedCount', 'maxFinishedBytes', 'maxCacheAgeMs', 'maxCacheBytes'] as const

/** Applies the defaults; `undefined` counts as absent. @throws `INVALID_OPTION` */
export function resolveMemoryOptions(options: MemoryStoreOptions): Required<MemoryStoreOptions> {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidOption('options', 'an object', options)
  }
  const resolved = { ...DEFAULTS, ...resolveTailBounds(options) }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(resolved, name)) throw invalidOption(name, 'absent: it is not an option', value)
    if (value !== undefined) Object.assign(resolved, { [name]: value })
  }
  expectMethods('clock', resolved.clock, CLOCK_METHODS)
  for (const name of BOUNDS) {
    const value = resolved[name]
    if (!(typeof value === 'number' && value >= 0)) throw invalidOption(name, 'a number, 0 or more', value)
  }
  return resolved
}
