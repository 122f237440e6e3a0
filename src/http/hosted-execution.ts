import type { Clock } from '../clock.ts'
import type { ExecutionStatus, Reason } from '../events/events.ts'
import type { ExecutionLoop } from '../execute/execution-loop.ts'
import type { ExecutionRecord } from '../store/execution-store.ts'
import type { EventLog } from '../stream/event-log.ts'
import type { DAGStructure } from '../workflow/document.ts'
import { Audience } from './audience.ts'

/** An execution as the routes see it: one that runs here, or one that a store has kept. */
export class HostedExecution {
  readonly record: ExecutionRecord
  readonly log: EventLog
  readonly audience: Audience
  readonly #loop: ExecutionLoop | undefined
  #taskIds: readonly string[] | undefined

  private constructor(
    record: ExecutionRecord,
    log: EventLog,
    loop: ExecutionLoop | undefined,
    graceMs: number,
    clock: Clock,
  ) {
    this.record = record
    this.log = log
    this.#loop = loop
    this.audience = new Audience(graceMs, clock, () => {
      this.cancel({ code: 'DISCONNECTED', message: 'Nobody followed the execution any more' })
    })
  }

  /** One that runs in this process. */
  static live(record: ExecutionRecord, loop: ExecutionLoop, graceMs: number, clock: Clock): HostedExecution {
    return new HostedExecution(record, loop.log, loop, graceMs, clock)
  }

  /** One that nothing can be done to any more but to read it. */
  static kept(record: ExecutionRecord, log: EventLog, clock: Clock): HostedExecution {
    return new HostedExecution(record, log, undefined, Number.POSITIVE_INFINITY, clock)
  }

  get executionId(): string {
    return this.record.executionId
  }

  /** Whether its last event is in the log. */
  get hasEnded(): boolean {
    return this.log.ending === 'complete'
  }

  get status(): 'running' | ExecutionStatus {
    const { status } = this.log.state
    return status === 'pending' ? 'running' : status
  }

  /** Whether this process runs it. */
  get isRunning(): boolean {
    return this.#loop !== undefined && this.log.ending === undefined
  }

  /** The ids of its tasks, in document order. */
  get taskIds(): readonly string[] {
    return (this.#taskIds ??= this.#readTaskIds())
  }

  /** Harmless to repeat and after the end. */
  cancel(reason: Reason): void {
    this.#loop?.cancel(reason)
  }

  #readTaskIds(): readonly string[] {
    const { workflow } = this.record
    if (workflow === undefined) return [...this.log.state.tasks.keys()]
    return (JSON.parse(workflow) as DAGStructure).tasks.map(({ id }) => id)
  }
}
