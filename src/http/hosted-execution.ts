import type { Clock } from '../clock.ts'
import type { Reason } from '../events/events.ts'
import type { ExecutionLoop, TaskActivity } from '../engine/execution-loop.ts'
import type { ExecutionRecord, StoredExecution } from '../store/execution-store.ts'
import type { ExecutionNotes } from '../log/execution-notes.ts'
import type { EventLog } from '../log/event-log.ts'
import type { DAGStructure } from '../workflow/document.ts'
import { Audience } from './audience.ts'
import { findParked, type Parked, type ShownStatus, showStatus } from './shown-status.ts'

/** How the store failed an execution that has gone on since. */
export interface Loss {
  /** How far its log was. */
  readonly head: number
  /** How often in a row it had got no further by then. */
  readonly idleCount: number
}

/** An execution as the routes see it: one that runs here, or one that a store has kept. */
export class HostedExecution {
  readonly record: ExecutionRecord
  readonly log: EventLog
  readonly audience: Audience
  /** The last one in this process. */
  readonly lossBefore: Loss | undefined
  readonly #loop: ExecutionLoop | undefined
  readonly #notes: ExecutionNotes | undefined
  #taskIds: readonly string[] | undefined

  private constructor(
    record: ExecutionRecord,
    log: EventLog,
    loop: ExecutionLoop | undefined,
    graceMs: number,
    clock: Clock,
    { notes, loss }: { readonly notes?: ExecutionNotes | undefined; readonly loss?: Loss | undefined },
  ) {
    this.record = record
    this.#notes = notes
    this.log = log
    this.lossBefore = loss
    this.#loop = loop
    this.audience = new Audience(graceMs, clock, () => {
      this.#loop?.cancel({ code: 'DISCONNECTED', message: 'Nobody followed the execution any more' })
    })
  }

  /** One that runs in this process. */
  static live(
    record: ExecutionRecord,
    loop: ExecutionLoop,
    graceMs: number,
    clock: Clock,
    loss?: Loss,
  ): HostedExecution {
    return new HostedExecution(record, loop.log, loop, graceMs, clock, { loss })
  }

  /** One that nothing can be done to any more but to read it. */
  static kept(record: StoredExecution, log: EventLog, clock: Clock): HostedExecution {
    return new HostedExecution(record, log, undefined, Number.POSITIVE_INFINITY, clock, { notes: record.notes })
  }

  get executionId(): string {
    return this.record.executionId
  }

  /** Whether its last event is in the log. */
  get hasEnded(): boolean {
    return this.log.ending === 'complete'
  }

  get status(): ShownStatus {
    return showStatus(this.#kept)
  }

  /** Why it is not taken up by itself any more. */
  get parked(): Parked | undefined {
    return findParked(this.#kept)
  }

  /** Whether this process runs it. */
  get isRunning(): boolean {
    return this.#loop !== undefined && this.log.ending === undefined
  }

  /** What its tasks do here; `undefined` where this process does not run it. */
  get activity(): TaskActivity | undefined {
    return this.#loop?.activity
  }

  /** The ids of its tasks, in document order. */
  get taskIds(): readonly string[] {
    return (this.#taskIds ??= this.#readTaskIds())
  }

  /**
   * Harmless to repeat and after the end.
   * @returns settles once that would outlast this process; rejects when it cannot
   */
  cancel(reason: Reason): Promise<void> {
    this.#loop?.cancel(reason)
    return this.#loop?.noted ?? Promise.resolve()
  }

  /** Leaves it to the next process. */
  leave(): void {
    this.#loop?.leave()
  }

  get #kept(): Parameters<typeof showStatus>[0] {
    const { status } = this.log.state
    return { status: status === 'pending' ? 'running' : status, notes: this.#notes }
  }

  #readTaskIds(): readonly string[] {
    const { workflow } = this.record
    if (workflow === undefined) return [...this.log.state.tasks.keys()]
    return (JSON.parse(workflow) as DAGStructure).tasks.map(({ id }) => id)
  }
}
