import type { Clock } from '../clock.ts'
import type { ExecutionStore, StoredExecution } from '../store/execution-store.ts'
import { EventLog } from '../stream/event-log.ts'
import { askStore } from './ask-store.ts'
import { HostedExecution } from './hosted-execution.ts'

/** Finished executions whose logs are held at hand, beside the store that has them anyway: how many, and about bytes. */
const MAX_HELD = 32
const MAX_HELD_BYTES = 64 * 1024 * 1024

const NOT_HERE = { code: 'INTERRUPTED', message: 'The execution does not run in this process' }

/** What the store has kept. The logs last asked for are held, so that a resume does not read all of one anew. */
export class KeptExecutions {
  readonly #store: ExecutionStore
  readonly #clock: Clock
  /** Ended, the least recently asked for first. */
  readonly #held = new Map<string, HostedExecution>()
  readonly #restoring = new Map<string, Promise<EventLog>>()

  constructor(store: ExecutionStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** One that has just ended here. */
  hold(hosted: HostedExecution): void {
    this.#held.delete(hosted.executionId)
    this.#held.set(hosted.executionId, hosted)
    let bytes = 0
    for (const { log } of this.#held.values()) bytes += log.bytes
    for (const [executionId, { log }] of this.#held) {
      if (this.#held.size <= MAX_HELD && bytes <= MAX_HELD_BYTES) return
      // What is being read is in memory anyway, for the next reader too.
      if (log === hosted.log || log.cursorCount > 0) continue
      this.#held.delete(executionId)
      bytes -= log.bytes
    }
  }

  async findRecord(executionId: string): Promise<StoredExecution | undefined> {
    return askStore(() => this.#store.get(executionId))
  }

  /** `undefined` for what the store does not have, or not any more. */
  async find(executionId: string): Promise<HostedExecution | undefined> {
    const record = await this.findRecord(executionId)
    if (record === undefined) {
      this.#held.delete(executionId)
      return undefined
    }
    const found = this.#held.get(executionId) ?? (await askStore(() => this.#restoreOnce(record)))
    if (found.hasEnded) this.hold(found)
    return found
  }

  async delete(executionId: string): Promise<void> {
    this.#held.delete(executionId)
    await askStore(() => this.#store.delete(executionId))
  }

  /** Readers often come back together: one log serves them all. */
  async #restoreOnce(record: StoredExecution): Promise<HostedExecution> {
    const { executionId } = record
    const restoring = this.#restoring.get(executionId) ?? this.#restore(record)
    this.#restoring.set(executionId, restoring)
    try {
      return HostedExecution.kept(record, await restoring, this.#clock)
    } finally {
      this.#restoring.delete(executionId)
    }
  }

  /** One that has not ended and does not run here goes no further: its readers are told. */
  async #restore({ executionId, notes }: StoredExecution): Promise<EventLog> {
    const base = await this.#store.readBase?.(executionId)
    const log = await EventLog.restore(executionId, this.#store, { base })
    if (log.ending === undefined) {
      const timestamp = new Date(this.#clock.wallTime()).toISOString()
      const { code, message } = notes?.parked ?? NOT_HERE
      log.fail({ error: message, code, timestamp })
    }
    return log
  }
}
