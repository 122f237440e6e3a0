import { CLOCK_METHODS, type Clock, systemClock } from '../../clock.ts'
import { expectMethods, invalidOption } from '../../errors.ts'
import { guardLogger, type Logger, SILENT_LOGGER } from '../../log/logger.ts'

/** What a power cut may cost. The end of the process, however sudden, costs nothing either way. */
export type Durability =
  /**
   * The last transactions since SQLite last saw to it that all is on the disk: usually well under a minute. The file is
   * whole, and what is lost is lost from the end.
   */
  | 'normal'
  /** Nothing that was acknowledged: every transaction waits for the disk, and the event loop with it. */
  | 'full'

export interface SqliteStoreOptions {
  /** @defaultValue `'normal'` */
  readonly durability?: Durability
  /**
   * Reads beside the process that writes: nothing is changed, the methods that write reject with `STORE_FAILED`. The file
   * must exist. Not with the options of what is kept. @defaultValue `false`
   */
  readonly readOnly?: boolean
  /** How long a finished execution is kept, ms since it ended. @defaultValue 30 days */
  readonly maxFinishedAgeMs?: number
  /** How many finished executions are kept. @defaultValue 100,000 */
  readonly maxFinishedCount?: number
  /** How long a write waits while another program locks the file, ms. The event loop goes on meanwhile. @defaultValue 5,000 */
  readonly busyTimeoutMs?: number
  /** For ages and waits. */
  readonly clock?: Clock
  /** Told what goes wrong in the background. */
  readonly logger?: Logger
}

const DAY_MS = 24 * 60 * 60 * 1000

const DEFAULTS: Required<SqliteStoreOptions> = {
  durability: 'normal',
  readOnly: false,
  maxFinishedAgeMs: 30 * DAY_MS,
  maxFinishedCount: 100_000,
  busyTimeoutMs: 5000,
  clock: systemClock,
  logger: SILENT_LOGGER,
}

/** Options that only mean something to one who writes. */
const WRITING = ['durability', 'maxFinishedAgeMs', 'maxFinishedCount'] as const

/** The options with their defaults; `undefined` counts as not given. @throws `INVALID_OPTION` */
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
  for (const name of ['maxFinishedAgeMs', 'maxFinishedCount', 'busyTimeoutMs'] as const) {
    const value = resolved[name]
    if (!(typeof value === 'number' && value >= 0)) throw invalidOption(name, 'a number, 0 or more', value)
  }
  const idle = readOnly ? WRITING.find(name => options[name] !== undefined) : undefined
  if (idle !== undefined) throw invalidOption(idle, 'absent together with `readOnly`', options[idle])
  expectMethods('clock', resolved.clock, CLOCK_METHODS)
  return { ...resolved, logger: guardLogger(resolved.logger) }
}
