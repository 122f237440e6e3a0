import { CLOCK_METHODS, type Clock, systemClock } from '../../clock.ts'
import { expectMethods, invalidOption } from '../../errors.ts'
import { guardLogger, type Logger, SILENT_LOGGER } from '../../log/logger.ts'

export interface PostgresStoreOptions {
  /** Maximum number of connections of this process, beside one for hints and one for renewals. @defaultValue 10 */
  readonly maxConnections?: number
  /**
   * How long calls are retried while the database is away, ms since the outage began. Then they reject with `STORE_FAILED`; later
   * calls are tried once, until the database answers again. @defaultValue 60,000
   */
  readonly storeRetryMs?: number
  /** Maximum age of a finished execution, ms since its end by the database's clock. @defaultValue 30 days */
  readonly maxFinishedAgeMs?: number
  /** Maximum number of finished executions. @defaultValue 100,000 */
  readonly maxFinishedCount?: number
  /** Maximum age of a remembered output, ms. @defaultValue 7 days */
  readonly maxCacheAgeMs?: number
  /** Maximum total size of remembered outputs, bytes of JSON. May be exceeded for a minute. @defaultValue 256 MiB */
  readonly maxCacheBytes?: number
  /** Clock of delays in this process. Ages and leases are those of the database's clock. */
  readonly clock?: Clock
  /** Receives warnings about background failures. */
  readonly logger?: Logger
}

const DAY_MS = 24 * 60 * 60 * 1000

const DEFAULTS: Required<PostgresStoreOptions> = {
  maxConnections: 10,
  storeRetryMs: 60_000,
  maxFinishedAgeMs: 30 * DAY_MS,
  maxFinishedCount: 100_000,
  maxCacheAgeMs: 7 * DAY_MS,
  maxCacheBytes: 256 * 1024 * 1024,
  clock: systemClock,
  logger: SILENT_LOGGER,
}

const BOUNDS = ['storeRetryMs', 'maxFinishedAgeMs', 'maxFinishedCount', 'maxCacheAgeMs', 'maxCacheBytes'] as const

/** Applies the defaults; `undefined` counts as absent. @throws `INVALID_OPTION` */
export function resolvePostgresOptions(options: PostgresStoreOptions): Required<PostgresStoreOptions> {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidOption('options', 'an object', options)
  }
  const resolved = { ...DEFAULTS }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(resolved, name)) throw invalidOption(name, 'absent: it is not an option', value)
    if (value !== undefined) Object.assign(resolved, { [name]: value })
  }
  const { maxConnections } = resolved
  if (!(Number.isSafeInteger(maxConnections) && maxConnections > 0)) {
    throw invalidOption('maxConnections', 'a positive integer', maxConnections)
  }
  for (const name of BOUNDS) {
    const value = resolved[name]
    if (!(typeof value === 'number' && value >= 0)) throw invalidOption(name, 'a number, 0 or more', value)
  }
  expectMethods('clock', resolved.clock, CLOCK_METHODS)
  return { ...resolved, logger: guardLogger(resolved.logger) }
}
