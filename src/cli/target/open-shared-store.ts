import type { SharedStore } from '../../cluster/shared-store.ts'
import type { Logger } from '../../log/logger.ts'
import { describeUrl, isPostgresUrl } from '../../store/postgres/connection/connection-url.ts'
import { UsageError } from '../process/console.ts'

/** An open shared store. */
export interface OpenedSharedStore {
  readonly store: SharedStore
  /** Human-readable location, without a password. */
  readonly location: string
}

/** Workers evict nothing: the retention is set by the servers. */
const KEEP_ALL = {
  maxFinishedAgeMs: Infinity,
  maxFinishedCount: Infinity,
  maxCacheAgeMs: Infinity,
  maxCacheBytes: Infinity,
} as const

/** Opens the store of a URL. @throws UsageError for another kind of store; errors of the store, such as `STORE_NOT_MIGRATED` */
export async function openSharedStore(url: string, logger: Logger): Promise<OpenedSharedStore> {
  if (!isPostgresUrl(url)) {
    throw new UsageError('Expected --store to be postgres://…: servers and workers have it in common')
  }
  const { openPostgresStore } = await import('../../store/postgres/open-store.ts')
  return { store: await openPostgresStore(url, { ...KEEP_ALL, logger }), location: describeUrl(url) }
}
