import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DagstreamError } from '../../errors.ts'
import type { ExecutionStore } from '../../store/execution-store.ts'
import { createMemoryStore } from '../../store/memory-store.ts'
import { describeUrl, isPostgresUrl } from '../../store/postgres/connection/connection-url.ts'
import type { PostgresStore } from '../../store/postgres/postgres-store.ts'
import type { SqliteStore } from '../../store/sqlite/sqlite-store.ts'
import type { Durability, SqliteStoreOptions } from '../../store/sqlite/store-options.ts'
import { type Logger, SILENT_LOGGER } from '../../log/logger.ts'
import { type CliProcess, UsageError } from '../process/console.ts'
import { DEFAULT_STORE } from './default-store.ts'
import { isSharedUrl } from './shared-store.ts'

/** Value of `--store` for the in-memory store. A file of that name is `./memory`. */
const MEMORY = 'memory'

/** The flags for the store and its retention. */
export interface StoreFlags {
  readonly store?: string
  readonly durability?: Durability
  /** Maximum age of ended executions, ms. */
  readonly retainAge?: number
  /** Maximum number of ended executions. */
  readonly retainCount?: number
  /** Maximum age of remembered outputs, ms, and their maximum size, bytes. */
  readonly cacheAge?: number
  readonly cacheBytes?: number
}

/** An open store and its release. */
export interface OpenedStore {
  readonly store: ExecutionStore
  /** Human-readable location. */
  readonly location: string
  readonly close: () => Promise<void>
}

/** A store that outlives the process: in a file, or in a database. */
export type KeptStore = SqliteStore | PostgresStore

/** One-shot commands never evict executions: the retention of a file is set by the server that owns it. */
const KEEP_EXECUTIONS = { maxFinishedAgeMs: Infinity, maxFinishedCount: Infinity } as const

/** Those that remember no outputs evict none either. */
const KEEP_ALL = { ...KEEP_EXECUTIONS, maxCacheAgeMs: Infinity, maxCacheBytes: Infinity } as const

/**
 * The store of a server: `--store`, else the default file, whose folder is made.
 * @throws UsageError for flags that contradict each other; Error for a file that is in use or cannot be opened
 */
export async function openServerStore(flags: StoreFlags, process: CliProcess, logger: Logger): Promise<OpenedStore> {
  const { store: file, durability } = flags
  if (file === MEMORY) {
    if (durability !== undefined) throw new UsageError('Expected a file as --store with --durability')
    return {
      store: createMemoryStore(toBounds(flags)),
      location: 'memory: they are lost when the server ends',
      close: async () => {},
    }
  }
  if (isSharedUrl(file)) {
    const store = await openSharedStore(file, toBounds(flags), durability, logger)
    return { store, location: describeUrl(file), close: () => store.close() }
  }
  if (file === undefined) makeDefaultFolder(process)
  const location = file ?? DEFAULT_STORE
  const hint = 'stop it, or give another --store; --store memory keeps nothing'
  const options = { ...toBounds(flags), ...(durability && { durability }), logger }
  const store = await openFile(location, options, process, hint)
  return { store, location, close: () => store.close() }
}

/**
 * The store of `run`: a file, created if absent, or a shared store. No execution of a file is evicted unless the flags set a
 * retention; a shared store is swept by its servers.
 * @throws UsageError for `memory`; Error for a file that is in use or cannot be opened
 */
export function openRunStore(flags: StoreFlags & { readonly store: string }, process: CliProcess): Promise<KeptStore> {
  const { store: file } = flags
  if (isSharedUrl(file))
    return openSharedStore(file, { ...KEEP_ALL, ...toBounds(flags) }, flags.durability, SILENT_LOGGER)
  if (file === MEMORY) throw new UsageError('Expected --store to be a file: a store in memory is lost when `run` ends')
  return openFile(file, { ...KEEP_EXECUTIONS, ...toBounds(flags) }, process, 'stop it, or give another --store')
}

/** @throws UsageError; `STORE_NOT_MIGRATED`, `STORE_FAILED` */
async function openSharedStore(
  url: string,
  bounds: Bounds,
  durability: Durability | undefined,
  logger: Logger,
): Promise<PostgresStore> {
  if (durability !== undefined) throw new UsageError('Expected a file as --store with --durability')
  const { openPostgresStore } = await import('../../store/postgres/open-store.ts')
  return openPostgresStore(url, { ...bounds, logger })
}

/** @throws UsageError if the file does not exist (it is not created); Error for one that is in use or cannot be opened */
export async function openExistingStore(
  file: string,
  access: 'read' | 'write',
  process: CliProcess,
): Promise<KeptStore> {
  if (isPostgresUrl(file)) return openSharedStore(file, KEEP_ALL, undefined, SILENT_LOGGER)
  const { checkPath } = await import('../../store/sqlite/store-path.ts')
  if (!existsSync(resolve(process.cwd, checkPath(file)))) throw new UsageError(`There is no store \`${file}\``)
  const hint = 'use that process by --server, or stop it'
  return openFile(file, access === 'read' ? { readOnly: true } : KEEP_ALL, process, hint)
}

async function openFile(
  file: string,
  options: SqliteStoreOptions,
  { cwd }: CliProcess,
  hint: string,
): Promise<SqliteStore> {
  const [{ openSqliteStore }, { checkPath }] = await Promise.all([
    import('../../store/sqlite/open-store.ts'),
    import('../../store/sqlite/store-path.ts'),
  ])
  try {
    return await openSqliteStore(resolve(cwd, checkPath(file)), options)
  } catch (error) {
    if (!(error instanceof DagstreamError) || error.code !== 'STORE_IN_USE') throw error
    throw new Error(`The store \`${file}\` is in use by another process: ${hint}`, { cause: error })
  }
}

type Bounds = Partial<Record<'maxFinishedAgeMs' | 'maxFinishedCount' | 'maxCacheAgeMs' | 'maxCacheBytes', number>>

function toBounds({ retainAge, retainCount, cacheAge, cacheBytes }: StoreFlags): Bounds {
  return {
    ...(retainAge !== undefined && { maxFinishedAgeMs: retainAge }),
    ...(retainCount !== undefined && { maxFinishedCount: retainCount }),
    ...(cacheAge !== undefined && { maxCacheAgeMs: cacheAge }),
    ...(cacheBytes !== undefined && { maxCacheBytes: cacheBytes }),
  }
}

/** Readable by the owner only, and ignored by git. */
function makeDefaultFolder({ cwd }: CliProcess): void {
  const folder = resolve(cwd, dirname(DEFAULT_STORE))
  const ignored = join(folder, '.gitignore')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (!existsSync(ignored)) writeFileSync(ignored, '*\n')
  } catch (error) {
    const hint = 'give a --store elsewhere, or --store memory, which keeps nothing'
    throw new Error(`Cannot make a folder for ${DEFAULT_STORE}: ${(error as Error).message}; ${hint}`, { cause: error })
  }
}
