import type { Clock } from '../../clock.ts'
import type { Logger } from '../../stream/logger.ts'
import type { SqliteConnection } from './driver.ts'
import { selectText } from './rows.ts'
import type { WriteQueue } from './write-queue.ts'

/** How many executions, events and outputs one transaction removes: a few milliseconds of work. Outputs may be large. */
const EXECUTIONS_AT_ONCE = 100
const EVENTS_AT_ONCE = 1000
const OUTPUTS_AT_ONCE = 4

const SWEEP_EVERY_MS = 60_000

/** How long after an execution ended it is seen to that there are not too many. */
const SWEEP_SOON_MS = 1000

const EVENTS = 'FROM events WHERE place > (? << 32) AND place < ((? + 1) << 32)'

export interface RetentionOptions {
  readonly connection: SqliteConnection
  readonly queue: WriteQueue
  readonly clock: Clock
  readonly logger: Logger
  readonly maxFinishedAgeMs: number
  readonly maxFinishedCount: number
  /** An execution is not there any more. */
  readonly onRemoved: (executionId: string) => void
}

/**
 * Removes executions, on request and by age and count.
 *
 * An execution is gone for everybody with one small transaction. What it leaves — it may be a million events — goes in
 * slices, one transaction each, between which the event loop turns; what is left of that at the end of the process goes when
 * the file is opened again.
 */
export class Retention {
  readonly #options: RetentionOptions
  readonly #remove: (executionId: string) => boolean
  readonly #listUnclaimed: () => string[]
  readonly #listBeyond: () => string[]
  readonly #clearSlice: () => boolean
  /**
   * Created before the file was opened, and never claimed: whoever asked for them was refused, and they would stand for ever for
   * something that never runs.
   */
  #refused: ReadonlySet<string> = new Set()
  #isClearing = false
  #sweeping: Promise<number> | undefined
  #interval: NodeJS.Timeout | undefined
  #soon: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: RetentionOptions) {
    this.#options = options
    this.#remove = prepareRemove(options.connection)
    this.#listUnclaimed = prepareListUnclaimed(options.connection)
    this.#listBeyond = prepareListBeyond(options)
    this.#clearSlice = prepareClearSlice(options.connection)
  }

  /** Begins to sweep by itself, without keeping the process alive: on the machine's time, since a `Clock`'s timers would. */
  start(): void {
    const sweep = (): void => void this.sweep().catch(error => this.#warn(error))
    // Before anything is created here.
    this.#refused = new Set(this.#listUnclaimed())
    this.#interval = setInterval(sweep, SWEEP_EVERY_MS).unref()
    sweep()
  }

  /** An execution has ended: soon there may be too many. */
  sweepSoon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined
      this.sweep().catch(error => this.#warn(error))
    }, SWEEP_SOON_MS).unref()
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#interval)
    clearTimeout(this.#soon)
  }

  /** @returns whether it was there */
  async delete(executionId: string): Promise<boolean> {
    const { queue, onRemoved } = this.#options
    const wasThere = await queue.write(executionId, () => {
      onRemoved(executionId)
      return this.#remove(executionId)
    })
    if (wasThere) this.#clear()
    return wasThere
  }

  /** Removes what ended too long ago, the oldest of too many, and what was refused. @returns how many */
  sweep(): Promise<number> {
    this.#sweeping ??= this.#sweep().finally(() => (this.#sweeping = undefined))
    return this.#sweeping
  }

  async #sweep(): Promise<number> {
    const { queue, onRemoved } = this.#options
    let count = 0
    for (;;) {
      const removed = await queue.write(undefined, () => {
        const ids = [...this.#listBeyond(), ...this.#listRefused()]
        for (const id of ids) {
          onRemoved(id)
          this.#remove(id)
        }
        return ids.length
      })
      count += removed
      if (removed < EXECUTIONS_AT_ONCE) break
    }
    this.#clear()
    return count
  }

  /** Not those that were claimed since. */
  #listRefused(): string[] {
    if (this.#refused.size === 0) return []
    return this.#listUnclaimed()
      .filter(id => this.#refused.has(id))
      .slice(0, EXECUTIONS_AT_ONCE)
  }

  /** Removes what removed executions left, slice by slice. */
  #clear(): void {
    if (this.#isClearing) return
    this.#isClearing = true
    const clear = async (): Promise<void> => {
      while (!this.#isClosed && (await this.#options.queue.write(undefined, this.#clearSlice)));
    }
    clear()
      .catch(error => this.#warn(error))
      .finally(() => (this.#isClearing = false))
  }

  #warn(error: unknown): void {
    if (this.#isClosed) return
    this.#options.logger.warn('Finished executions could not be removed', { error: String(error) })
  }
}

function prepareRemove(connection: SqliteConnection): (executionId: string) => boolean {
  const find = connection.query('SELECT number FROM executions WHERE id = ?')
  const steps = [
    connection.command('DELETE FROM executions WHERE number = ?'),
    connection.command('DELETE FROM requests WHERE execution = ?'),
    connection.command('INSERT INTO removals (execution) VALUES (?)'),
  ]
  return executionId => {
    const number = find(executionId)[0]?.['number'] as number | undefined
    if (number !== undefined) for (const step of steps) step(number)
    return number !== undefined
  }
}

function prepareListUnclaimed(connection: SqliteConnection): () => string[] {
  const list = connection.query(`SELECT ${selectText('id')} FROM executions WHERE ended_at IS NULL AND epoch = 0`)
  return () => list().map(row => row['id'] as string)
}

/** Those that ended too long ago, or are too many; the first to end first. One that ends in the future is not too old. */
function prepareListBeyond(options: RetentionOptions): () => string[] {
  const { connection, clock, maxFinishedAgeMs, maxFinishedCount } = options
  const count = connection.query('SELECT count(*) AS count FROM executions WHERE ended_at IS NOT NULL')
  const list = connection.query(
    `SELECT ${selectText('id')}, ended_at FROM executions WHERE ended_at IS NOT NULL ORDER BY ended_at, number LIMIT ?`,
  )
  return () => {
    const excess = (count()[0]?.['count'] as number) - maxFinishedCount
    const oldest = clock.wallTime() - maxFinishedAgeMs
    return list(EXECUTIONS_AT_ONCE)
      .filter((row, at) => at < excess || (row['ended_at'] as number) <= oldest)
      .map(row => row['id'] as string)
  }
}

/** @returns what removes one slice of what is left; `false` once nothing is */
function prepareClearSlice(connection: SqliteConnection): () => boolean {
  const next = connection.query('SELECT execution FROM removals LIMIT 1')
  const hasEvents = connection.query(`SELECT 1 ${EVENTS} LIMIT 1`)
  const dropEvents = connection.command(
    `DELETE FROM events WHERE place IN (SELECT place ${EVENTS} LIMIT ${EVENTS_AT_ONCE})`,
  )
  const hasOutputs = connection.query('SELECT 1 FROM outputs WHERE execution = ? LIMIT 1')
  const dropOutputs = connection.command(
    `DELETE FROM outputs WHERE number IN (SELECT number FROM outputs WHERE execution = ? LIMIT ${OUTPUTS_AT_ONCE})`,
  )
  const done = connection.command('DELETE FROM removals WHERE execution = ?')
  return () => {
    const number = next()[0]?.['execution'] as number | undefined
    if (number === undefined) return false
    if (hasEvents(number, number).length > 0) dropEvents(number, number)
    else if (hasOutputs(number).length > 0) dropOutputs(number)
    else done(number)
    return true
  }
}
