import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log/logger.ts'
import type { SqliteConnection } from './driver.ts'
import { selectText } from './rows.ts'
import type { WriteQueue } from './write-queue.ts'

/**
 * Number of executions, events and outputs that one transaction removes: a few milliseconds of work. Outputs may be
 * large.
 */
const EXECUTIONS_AT_ONCE = 100
const EVENTS_AT_ONCE = 1000
const OUTPUTS_AT_ONCE = 4

const SWEEP_EVERY_MS = 60_000

/** Delay of the sweep after an execution has ended, ms. */
const SWEEP_SOON_MS = 1000

const EVENTS = 'FROM events WHERE place > (? << 32) AND place < ((? + 1) << 32)'

export interface RetentionOptions {
  readonly connection: SqliteConnection
  readonly queue: WriteQueue
  readonly clock: Clock
  readonly logger: Logger
  readonly maxFinishedAgeMs: number
  readonly maxFinishedCount: number
  /** Removes some remembered outputs beyond their bounds. @returns how many */
  readonly sweepOutputs: () => number
  /** An execution was removed. */
  readonly onRemoved: (executionId: string) => void
}

/**
 * Removes executions, on request and by age and count.
 *
 * One small transaction makes an execution invisible. Its events and outputs, possibly a million, are deleted in
 * slices, one transaction each, between which the event loop turns. Slices that remain at the end of the process are
 * deleted when the file is opened again.
 */
export class Retention {
  readonly #options: RetentionOptions
  readonly #remove: (executionId: string) => boolean
  readonly #listUnclaimed: () => string[]
  readonly #listBeyond: () => string[]
  readonly #clearSlice: () => boolean
  /**
   * Executions created before the file was opened and never claimed. Their request was refused, so they never run and
   * would otherwise stay for good.
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

  /**
   * Starts the periodic sweep. Uses the machine's timers instead of the `Clock`, whose timers would keep the process
   * alive.
   */
  start(): void {
    const sweep = (): void => void this.sweep().catch(error => this.#warn(error))
    // Listed before this store creates anything.
    this.#refused = new Set(this.#listUnclaimed())
    this.#interval = setInterval(sweep, SWEEP_EVERY_MS).unref()
    sweep()
  }

  /** Schedules a sweep. Call it when an execution has ended, since the count may exceed the maximum. */
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

  /** Removes an execution. @returns whether it existed */
  async delete(executionId: string): Promise<boolean> {
    const { queue, onRemoved } = this.#options
    const wasThere = await queue.write(executionId, () => {
      onRemoved(executionId)
      return this.#remove(executionId)
    })
    if (wasThere) this.#clear()
    return wasThere
  }

  /** Removes executions beyond the maximum age or count, and refused ones. @returns the number of removed executions */
  sweep(): Promise<number> {
    this.#sweeping ??= this.#sweep().finally(() => (this.#sweeping = undefined))
    return this.#sweeping
  }

  async #sweep(): Promise<number> {
    const { queue, onRemoved, sweepOutputs } = this.#options
    let count = 0
    for (;;) {
      const removed = await queue.write(undefined, () => {
        sweepOutputs()
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

  /** Refused executions, without those that were claimed since. */
  #listRefused(): string[] {
    if (this.#refused.size === 0) return []
    return this.#listUnclaimed()
      .filter(id => this.#refused.has(id))
      .slice(0, EXECUTIONS_AT_ONCE)
  }

  /** Deletes the events and outputs of removed executions, slice by slice. */
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

/** Executions beyond the maximum age or count, in order of their end. One that ends in the future is not too old. */
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

/** @returns a function that deletes one slice, and returns `false` once nothing is left */
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
