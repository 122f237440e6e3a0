import type { Clock } from '../../clock.ts'
import { utf8Length } from '../../events/json-value.ts'
import type { MemoryKey, RememberedOutput } from '../execution-store.ts'
import type { SqliteConnection } from './driver.ts'
import { selectText } from './rows.ts'
import { toText } from './stored-owner.ts'

/** Entries that one removal reads at most. */
const ROWS_AT_ONCE = 1000

export interface RememberedBounds {
  readonly maxCacheAgeMs: number
  readonly maxCacheBytes: number
  readonly clock: Clock
}

/** The remembered outputs of a store's file: the oldest go first beyond the bounds. Begins no transaction. */
export class RememberedOutputs {
  readonly #bounds: RememberedBounds
  readonly #find: ReturnType<SqliteConnection['query']>
  readonly #sizeOf: ReturnType<SqliteConnection['query']>
  readonly #sum: ReturnType<SqliteConnection['query']>
  readonly #oldest: ReturnType<SqliteConnection['query']>
  readonly #put: ReturnType<SqliteConnection['command']>
  readonly #remove: ReturnType<SqliteConnection['command']>
  readonly #removeAll: ReturnType<SqliteConnection['command']>
  /** Of all; `undefined` until the first write, and after a rollback. */
  #bytes: number | undefined

  constructor(connection: SqliteConnection, bounds: RememberedBounds) {
    this.#bounds = bounds
    this.#find = connection.query(
      `SELECT ${selectText('execution', 'task', 'json')} FROM remembered WHERE owner = ? AND key = ? AND kept_at >= ?`,
    )
    this.#sizeOf = connection.query('SELECT bytes FROM remembered WHERE owner = ? AND key = ?')
    this.#sum = connection.query('SELECT coalesce(sum(bytes), 0) AS bytes, count(*) AS count FROM remembered')
    this.#oldest = connection.query(
      `SELECT rowid AS number, bytes, kept_at FROM remembered ORDER BY kept_at LIMIT ${ROWS_AT_ONCE}`,
    )
    this.#put = connection.command(
      'INSERT OR REPLACE INTO remembered (owner, key, execution, task, json, bytes, kept_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
    )
    this.#remove = connection.command('DELETE FROM remembered WHERE rowid = ?')
    this.#removeAll = connection.command('DELETE FROM remembered')
  }

  find({ owner, key }: MemoryKey, maxAgeMs: number): RememberedOutput | undefined {
    const { maxCacheAgeMs, clock } = this.#bounds
    const since = clock.wallTime() - Math.min(maxAgeMs, maxCacheAgeMs)
    const row = this.#find(toText(owner), key, Number.isFinite(since) ? since : Number.MIN_SAFE_INTEGER)[0]
    if (row === undefined) return undefined
    const { execution, task, json } = row as Readonly<Record<string, string>>
    return { executionId: execution as string, taskId: JSON.parse(task as string) as string, output: json as string }
  }

  put({ owner, key }: MemoryKey, { executionId, taskId, output }: RememberedOutput): void {
    const { maxCacheBytes, clock } = this.#bounds
    const bytes = utf8Length(output)
    if (bytes > maxCacheBytes) return
    const before = this.#total()
    const replaced = (this.#sizeOf(toText(owner), key)[0]?.['bytes'] as number | undefined) ?? 0
    this.#put(toText(owner), key, executionId, JSON.stringify(taskId), output, bytes, clock.wallTime())
    this.#bytes = before + bytes - replaced
    while (this.#bytes > maxCacheBytes && this.sweep() > 0);
  }

  /** Removes some of those that are too old or too much. @returns how many */
  sweep(): number {
    const { maxCacheAgeMs, maxCacheBytes, clock } = this.#bounds
    const oldest = clock.wallTime() - maxCacheAgeMs
    let left = this.#total()
    let count = 0
    for (const row of this.#oldest()) {
      const [number, bytes, keptAt] = [row['number'], row['bytes'], row['kept_at']] as [number, number, number]
      if (left <= maxCacheBytes && keptAt >= oldest) break
      this.#remove(number)
      left -= bytes
      count += 1
    }
    this.#bytes = left
    return count
  }

  /** @returns how many there were */
  clear(): number {
    const count = this.#sum()[0]?.['count'] as number
    this.#removeAll()
    this.#bytes = 0
    return count
  }

  /** The transaction was taken back. */
  rolledBack(): void {
    this.#bytes = undefined
  }

  #total(): number {
    return (this.#bytes ??= this.#sum()[0]?.['bytes'] as number)
  }
}
