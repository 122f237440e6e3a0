import type { Clock } from '../../clock.ts'
import type { Parked } from '../../events/events.ts'
import { recordUnusable } from '../../errors.ts'
import type { ExecutionStore, StoredExecution } from '../../store/execution-store.ts'
import { EventLog } from '../../log/event-log.ts'
import { callStore } from '../../store/call-store.ts'
import { findParked } from '../storage/recoverable-record.ts'
import { HostedExecution } from './hosted-execution.ts'

/** Bounds of the logs of finished executions in memory, beside the store that has them anyway; bytes are approximate. */
const MAX_CACHED = 32
const MAX_CACHED_BYTES = 64 * 1024 * 1024

const NOT_HERE = { code: 'INTERRUPTED', message: 'The execution does not run in this process' }

interface Archived {
  readonly log: EventLog
  readonly parked: Parked | undefined
}

/**
 * Reads executions from the store. It caches the logs last requested, so that a reconnecting reader does not read one again.
 */
export class ExecutionArchive {
  readonly #store: ExecutionStore
  readonly #clock: Clock
  /** Ended executions, the least recently requested first. */
  readonly #cached = new Map<string, HostedExecution>()
  readonly #restoring = new Map<string, Promise<Archived>>()
  readonly #follow: ((record: StoredExecution) => Promise<HostedExecution>) | undefined

  /** @param follow opens an unfinished execution that another process runs; absent: none does */
  constructor(store: ExecutionStore, clock: Clock, follow?: (record: StoredExecution) => Promise<HostedExecution>) {
    this.#store = store
    this.#clock = clock
    this.#follow = follow
  }

  /** Caches the log of an execution that has ended; evicts the least recently requested ones beyond the bounds. */
  cache(hosted: HostedExecution): void {
    this.#cached.delete(hosted.executionId)
    this.#cached.set(hosted.executionId, hosted)
    let bytes = 0
    for (const { log } of this.#cached.values()) bytes += log.bytes
    for (const [executionId, { log }] of this.#cached) {
      if (this.#cached.size <= MAX_CACHED && bytes <= MAX_CACHED_BYTES) return
      // A log that is being read is in memory anyway.
      if (log === hosted.log || log.cursorCount > 0) continue
      this.#cached.delete(executionId)
      bytes -= log.bytes
    }
  }

  async findRecord(executionId: string): Promise<StoredExecution | undefined> {
    return callStore(() => this.#store.get(executionId))
  }

  /** `undefined` for an execution that the store does not have. @throws `RECORD_UNUSABLE` for a damaged log */
  async find(executionId: string): Promise<HostedExecution | undefined> {
    const record = await this.findRecord(executionId)
    if (record === undefined) {
      this.#cached.delete(executionId)
      return undefined
    }
    const found = this.#cached.get(executionId) ?? (await callStore(() => this.#open(record)))
    if (found.hasEnded) this.cache(found)
    return found
  }

  async delete(executionId: string): Promise<void> {
    this.#cached.delete(executionId)
    await callStore(() => this.#store.delete(executionId))
  }

  async #open(record: StoredExecution): Promise<HostedExecution> {
    const isFollowed = this.#follow !== undefined && record.status === 'running' && findParked(record) === undefined
    return isFollowed ? this.#follow(record) : this.#restoreOnce(record)
  }

  /** Readers often reconnect at the same time: one log serves them all. */
  async #restoreOnce(record: StoredExecution): Promise<HostedExecution> {
    const { executionId } = record
    const restoring = this.#restoring.get(executionId) ?? this.#restore(record)
    this.#restoring.set(executionId, restoring)
    try {
      const { log, parked } = await restoring
      return HostedExecution.archived(record, log, parked, this.#clock)
    } finally {
      this.#restoring.delete(executionId)
    }
  }

  /** The log of an execution that has not ended and does not run here ends for its readers with an `error` event. */
  async #restore(record: StoredExecution): Promise<Archived> {
    const { executionId, status } = record
    const base = await this.#store.readBase?.(executionId)
    const log = await EventLog.restore(executionId, this.#store, { base })
    if (log.ending === 'complete') return { log, parked: undefined }
    if (status !== 'running') throw recordUnusable('The log of an ended execution has no end')
    const parked = findParked(record)
    const { code, message } = parked ?? NOT_HERE
    log.fail({ error: message, code, timestamp: new Date(this.#clock.wallTime()).toISOString() })
    return { log, parked }
  }
}
