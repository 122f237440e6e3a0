import { utf8Length } from '../../events/json-value.ts'
import type { MemoryKey, RememberedOutput } from '../execution-store.ts'
import type { Database } from './connection/database.ts'
import { FORGET, RECALL, REMEMBER } from './sql/retention.ts'
import { fromStored, toAgeMs, toStored, toStoredOwner } from './stored-text.ts'

/** The outputs that tasks with `cache` remember. Retention removes what is beyond the bounds. */
export class RememberedOutputs {
  readonly #database: Database
  readonly #bounds: { readonly maxCacheAgeMs: number; readonly maxCacheBytes: number }

  constructor(database: Database, bounds: { readonly maxCacheAgeMs: number; readonly maxCacheBytes: number }) {
    this.#database = database
    this.#bounds = bounds
  }

  async recall({ owner, key }: MemoryKey, maxAgeMs: number): Promise<RememberedOutput | undefined> {
    const ageMs = toAgeMs(Math.min(maxAgeMs, this.#bounds.maxCacheAgeMs))
    const [row] = await this.#database.query(RECALL, [toStoredOwner(owner), key, ageMs])
    if (row === undefined) return undefined
    return { executionId: row['execution'] as string, taskId: fromStored(row['task']), output: row['json'] as string }
  }

  async remember({ owner, key }: MemoryKey, { executionId, taskId, output }: RememberedOutput): Promise<void> {
    const bytes = utf8Length(output)
    if (bytes > this.#bounds.maxCacheBytes) return
    await this.#database.query(REMEMBER, [toStoredOwner(owner), key, executionId, toStored(taskId), output, bytes])
  }

  async forget(): Promise<number> {
    const [row] = await this.#database.query(FORGET)
    return row?.['count'] as number
  }
}
