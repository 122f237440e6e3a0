import { DagstreamError } from '../../errors.ts'
import type { Lease } from '../../log/event-log.ts'
import type { ExecutionStore } from '../execution-store.ts'
import type { ExecutionSummary } from '../execution-summary.ts'
import { backUp } from './backup.ts'
import type { SqliteConnection, SqliteDriver } from './driver.ts'
import { RecentRows } from './recent-rows.ts'
import { RememberedOutputs } from './remembered-outputs.ts'
import { Retention } from './retention.ts'
import { SecretRows } from './secret-rows.ts'
import { failStore, toStoreError } from './store-error.ts'
import type { SqliteStoreOptions } from './store-options.ts'
import { type RowRef, StoreTables } from './store-tables.ts'
import { watchFile } from './watch-file.ts'
import { WriteQueue } from './write-queue.ts'

/** Maximum number of cached row references. When it is reached, the cache is cleared. */
const MAX_ROWS = 10_000

/** A store in one file. */
export interface SqliteStore extends ExecutionStore {
  /** Absolute path. */
  readonly file: string
  summarize(executionIds: readonly string[]): readonly ExecutionSummary[] | Promise<readonly ExecutionSummary[]>
  /**
   * Copies a snapshot of the store into a new file. The store remains usable meanwhile.
   * @throws `STORE_FAILED` if the file exists already, or cannot be written
   */
  backup(path: string): Promise<void>
  /** Drains the pending writes, then closes the file. Every later call fails with `STORE_FAILED`. */
  close(): Promise<void>
}

/** The parts of a store. */
export interface StoreParts {
  readonly driver: SqliteDriver
  readonly connection: SqliteConnection
  /** Absolute path. */
  readonly file: string
  /** Releases the lock of the file. */
  readonly unlock: () => void
  readonly options: Required<SqliteStoreOptions>
}

/** Creates a store on a connection to a file of the newest version. */
export function createSqliteStore({ driver, connection, file, unlock, options }: StoreParts): SqliteStore {
  const { clock, readOnly } = options
  const tables = new StoreTables(connection)
  const recent = new RecentRows(connection)
  const secretRows = new SecretRows(connection)
  /** Cache for the executions that this store appends to. */
  const rows = new Map<string, RowRef>()
  /** Unfinished executions that this store claimed. */
  const claimed = new Set<string>()
  const { findFault, mayClose } = watchFile(file, clock, options.logger)
  const outputs = new RememberedOutputs(connection, options)
  const onRollback = (): void => {
    rows.clear()
    outputs.rolledBack()
  }
  const queue = new WriteQueue({ ...options, connection, file, findFault, onRollback })
  const onRemoved = (executionId: string): void => {
    rows.delete(executionId)
    claimed.delete(executionId)
  }
  const retention = new Retention({ ...options, connection, queue, onRemoved, sweepOutputs: () => outputs.sweep() })
  let closing: Promise<void> | undefined

  const rowOf = (executionId: string): RowRef => {
    const known = rows.get(executionId)
    if (known !== undefined) return known
    const row = tables.findRow(executionId)
    if (row === undefined) throw new DagstreamError('EXECUTION_NOT_FOUND', `There is no execution \`${executionId}\``)
    if (rows.size >= MAX_ROWS) rows.clear()
    rows.set(executionId, row)
    return row
  }
  const requireLease = (lease: Lease): RowRef => {
    const row = rowOf(lease.executionId)
    if (row.epoch === lease.epoch) return row
    throw new DagstreamError('FENCED', `Execution \`${lease.executionId}\` has been claimed by another process`)
  }

  /** Reads after all pending writes of the execution, or of any if it is `undefined`. Synchronous if there are none. */
  const ask = <T>(executionId: string | undefined, read: () => T): T | Promise<T> => {
    const answer = (): T => {
      if (closing !== undefined) throw failStore(file, 'is closed')
      try {
        return read()
      } catch (error) {
        throw toStoreError(file, error)
      }
    }
    const settled = queue.settled(executionId)
    return settled === undefined ? answer() : settled.then(answer)
  }

  const close = async (): Promise<void> => {
    queue.refuse(failStore(file, 'is closed'))
    retention.close()
    await queue.settled()
    // If another file has taken its place, closing would remove that file's write-ahead log. If only the log was removed,
    // closing saves its content, which the connection still has.
    if (findFault() !== undefined && !mayClose()) return unlock()
    try {
      // Checkpoint now: statements of `libsql` keep the file open until they are garbage collected.
      if (!readOnly) connection.query('PRAGMA wal_checkpoint(TRUNCATE)')()
    } catch (error) {
      options.logger.warn('The write-ahead log was left beside the store', { error: String(error) })
    }
    connection.close()
    unlock()
  }

  if (readOnly) queue.refuse(failStore(file, 'was opened with `readOnly`'))
  else retention.start()

  return {
    file,

    create: record =>
      queue.write(record.executionId, () => {
        const { executionId, owner, idempotencyKey } = record
        const same = idempotencyKey === undefined ? undefined : tables.findByKey(owner, idempotencyKey)
        if (same !== undefined) return same
        if (tables.findRow(executionId) !== undefined) {
          throw new DagstreamError('STORE_FAILED', `Execution \`${executionId}\` exists already`)
        }
        tables.insert(record)
        return undefined
      }),

    async claim(executionId) {
      const lease = await queue.write(executionId, () => {
        const row = rowOf(executionId)
        row.epoch += 1
        tables.setEpoch(row)
        return { executionId, epoch: row.epoch }
      })
      claimed.add(executionId)
      return lease
    },

    async append(lease, firstSeq, entries) {
      const last = entries.at(-1)
      const end = last?.type === 'execution_complete' ? last.data : undefined
      await queue.write(lease.executionId, () => {
        const row = requireLease(lease)
        if (firstSeq !== row.lastSeq + 1) {
          throw new DagstreamError('SEQ_CONFLICT', `Expected seq ${row.lastSeq + 1}, got ${firstSeq}`)
        }
        tables.append(row, entries)
        row.lastSeq += entries.length
        tables.mark(row, entries)
        if (end !== undefined) tables.end(row, end.status, clock.wallTime())
      })
      if (end === undefined) return
      onRemoved(lease.executionId)
      retention.sweepSoon()
    },

    putOutput: (lease, taskId, json) =>
      queue.write(lease.executionId, () => tables.putOutput(requireLease(lease), taskId, json)),

    secrets: {
      put: (lease, inputId, json) =>
        queue.write(lease.executionId, () => secretRows.put(requireLease(lease), inputId, json)),
      get: (executionId, inputId) => ask(executionId, () => secretRows.get(executionId, inputId)),
      keep: (lease, inputIds) => queue.write(lease.executionId, () => secretRows.keep(requireLease(lease), inputIds)),
    },

    read: (executionId, afterSeq, limit) => ask(executionId, () => tables.read(executionId, afterSeq, limit)),
    getOutput: (executionId, taskId) => ask(executionId, () => tables.getOutput(executionId, taskId)),
    get: executionId => ask(executionId, () => tables.find(executionId)),
    findByKey: (owner, idempotencyKey) => ask(undefined, () => tables.findByKey(owner, idempotencyKey)),
    list: ({ owner, after, limit }) => ask(undefined, () => tables.list(owner, after, limit)),
    recent: ({ owner, limit }) => ask(undefined, () => recent.find(owner, limit)),
    readTimes: (executionId, afterSeq, limit) => ask(executionId, () => recent.times(executionId, afterSeq, limit)),
    summarize: ids => ask(undefined, () => ids.map(executionId => tables.summarize(executionId))),
    // A read-only store cannot know which executions other processes have claimed.
    ...(!readOnly && {
      interrupted: () =>
        ask(undefined, () => tables.listUnfinished().filter(({ executionId }) => !claimed.has(executionId))),
    }),

    recall: (key, maxAgeMs) => ask('', () => outputs.find(key, maxAgeMs)),
    remember: (key, remembered) => queue.write(undefined, () => outputs.put(key, remembered)),
    forget: () => queue.write(undefined, () => outputs.clear()),

    delete: executionId => retention.delete(executionId),
    sweep: () => retention.sweep(),

    async backup(path) {
      await ask(undefined, () => {})
      await backUp(driver, file, path)
    },
    close: () => (closing ??= close()),
  }
}
