import type { Logger } from '../../log/logger.ts'
import type { Database } from './connection/database.ts'
import { DELETE } from './sql/executions.ts'
import { isForbidden } from './connection/store-error.ts'
import { CLEAR_SLICE, SWEEP, SWEEP_COMMANDS, SWEEP_REMEMBERED } from './sql/retention.ts'
import { toAgeMs, toCount } from './stored-text.ts'

/** Executions, and events or outputs, that one transaction removes. */
const EXECUTIONS_AT_ONCE = 100
const ROWS_AT_ONCE = 5000

const SWEEP_EVERY_MS = 60_000

export interface RetentionBounds {
  readonly maxFinishedAgeMs: number
  readonly maxFinishedCount: number
  readonly maxCacheAgeMs: number
  readonly maxCacheBytes: number
  readonly logger: Logger
}

/**
 * Removes executions, on request and by age and count. Several servers on one database take turns.
 *
 * One small transaction makes an execution invisible. Its events and outputs, possibly a million, are deleted in slices, one
 * transaction each; a slice that remains at the end of the process is deleted by another one.
 */
export class Retention {
  readonly #database: Database
  readonly #bounds: RetentionBounds
  #interval: NodeJS.Timeout | undefined
  #clearing: Promise<void> | undefined
  #isClosed = false

  constructor(database: Database, bounds: RetentionBounds) {
    this.#database = database
    this.#bounds = bounds
  }

  /** Starts the periodic sweep, unless nothing is ever too old or too much. */
  start(): void {
    const { maxFinishedAgeMs, maxFinishedCount, maxCacheAgeMs, maxCacheBytes } = this.#bounds
    if (Math.min(maxFinishedAgeMs, maxFinishedCount, maxCacheAgeMs, maxCacheBytes) === Infinity) return
    const sweep = (): void => void this.sweep().catch((error: unknown) => this.#failed(error))
    this.#interval = setInterval(sweep, SWEEP_EVERY_MS).unref()
  }

  /** Resolves once no slice is being deleted. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#interval)
    await this.#clearing
  }

  /** Removes an execution. @returns whether it existed */
  async delete(executionId: string): Promise<boolean> {
    const rows = await this.#database.query(DELETE, [executionId])
    if (rows.length > 0) this.#clear()
    return rows.length > 0
  }

  /** Removes executions beyond the maximum age or count, and refused ones. @returns the number of removed executions */
  async sweep(): Promise<number> {
    const { maxFinishedAgeMs, maxFinishedCount, maxCacheAgeMs, maxCacheBytes } = this.#bounds
    const values = [toAgeMs(maxFinishedAgeMs), toCount(maxFinishedCount), EXECUTIONS_AT_ONCE]
    let count = 0
    for (;;) {
      const { length } = await this.#database.query(SWEEP, values)
      count += length
      if (length < EXECUTIONS_AT_ONCE) break
    }
    await this.#database.query(SWEEP_REMEMBERED, [toAgeMs(maxCacheAgeMs), toCount(maxCacheBytes)])
    await this.#database.query(SWEEP_COMMANDS)
    this.#clear()
    return count
  }

  /** Deletes the events and outputs of removed executions, slice by slice. */
  #clear(): void {
    this.#clearing ??= this.#clearSlices()
      .catch((error: unknown) => this.#warn(error))
      .finally(() => (this.#clearing = undefined))
  }

  async #clearSlices(): Promise<void> {
    while (!this.#isClosed && (await this.#database.query(CLEAR_SLICE, [ROWS_AT_ONCE])).length > 0);
  }

  /** The role of a worker may not remove executions: servers do. */
  #failed(error: unknown): void {
    if (!isForbidden(error)) return this.#warn(error)
    clearInterval(this.#interval)
    this.#bounds.logger.debug('Finished executions are removed by other processes: this role may not', {})
  }

  #warn(error: unknown): void {
    if (!this.#isClosed) this.#bounds.logger.warn('Finished executions could not be removed', { error: String(error) })
  }
}
