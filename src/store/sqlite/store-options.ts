import { CLOCK_METHODS, type Clock, systemClock } from '../../clock.ts'
import { expectMethods, invalidOption } from '../../errors.ts'
import { guardLogger, type Logger, SILENT_LOGGER } from '../../log/logger.ts'

/** What a power failure may lose. A crash of the process loses nothing in either mode. */
export type Durability =
  /**
   * The transactions since SQLite last synced to disk: usually well under a minute. The file stays consistent; only the
   * newest transactions are lost.
   */
  | 'normal'
  /** Nothing that was acknowledged: every transaction waits for the disk and blocks the event loop meanwhile. */
  | 'full'

export interface SqliteStoreOptions {
  /** @defaultValue `'normal'` */
  readonly durability?: Durability
  /**
   * Opens the store for reading while another process writes it. Methods that write reject with `STORE_FAILED`. The
   * file must exist. Excludes the options of durability and retention. @defaultValue `false`
   */
  readonly readOnly?: boolean
  /** Maximum age of a finished execution, ms since its end. @defaultValue 30 days */
  readonly maxFinishedAgeMs?: number
  /** Maximum number of finished executions. @defaultValue 100,000 */
  readonly maxFinishedCount?: number
  /** Maximum age of a remembered output, ms. @defaultValue 7 days */
  readonly maxCacheAgeMs?: number
  /** Maximum total size of remembered outputs, bytes of JSON. @defaultValue 256 MiB */
  readonly maxCacheBytes?: number
  /**
   * Maximum time that a write waits for another program's lock, ms. Does not block the event loop.
   * @defaultValue 5,000
   */
  readonly busyTimeoutMs?: number
  /** Clock for ages and waits. */
  readonly clock?: Clock
  /** Receives warnings about background failures. */
  readonly logger?: Logger
}

const DAY_MS = 24 * 60 * 60 * 1000

const DEFAULTS: Required<SqliteStoreOptions> = {
  durability: 'normal',
  readOnly: false,
  maxFinishedAgeMs: 30 * DAY_MS,
  maxFinishedCount: 100_000,
  maxCacheAgeMs: 7 * DAY_MS,
  maxCacheBytes: 256 * 1024 * 1024,
  busyTimeoutMs: 5000,
  clock: systemClock,
  logger: SILENT_LOGGER,
}

/** Options that apply only to a writing store. */
const WRITING = ['durability', 'maxFinishedAgeMs', 'maxFinishedCount', 'maxCacheAgeMs', 'maxCacheBytes'] as const

const BOUNDS = ['maxFinishedAgeMs', 'maxFinishedCount', 'maxCacheAgeMs', 'maxCacheBytes', 'busyTimeoutMs'] as const

/** Applies the defaults; `undefined` counts as absent. @throws `INVALID_OPTION` */
export function resolveSqliteOptions(options: SqliteStoreOptions): Required<SqliteStoreOptions> {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidOption('options', 'an object', options)
  }
  const resolved = { ...DEFAULTS }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(resolved, name)) throw invalidOption(name, 'absent: it is not an option', value)
    if (value !== undefined) Object.assign(resolved, { [name]: value })
  }
  const { durability, readOnly } = resolved
  if (durability !== 'full' && durability !== 'normal') {
    throw invalidOption('durability', '`"full"` or `"normal"`', durability)
  }
  if (typeof readOnly !== 'boolean') throw invalidOption('readOnly', 'a boolean', readOnly)
  for (const name of BOUNDS) {
    const value = resolved[name]
    if (!(typeof value === 'number' && value >= 0)) throw invalidOption(name, 'a number, 0 or more', value)
  }
  const idle = readOnly ? WRITING.find(name => options[name] !== undefined) : undefined
  if (idle !== undefined) throw invalidOption(idle, 'absent together with `readOnly`', options[idle])
  expectMethods('clock', resolved.clock, CLOCK_METHODS)
  return { ...resolved, logger: guardLogger(resolved.logger) }
}
