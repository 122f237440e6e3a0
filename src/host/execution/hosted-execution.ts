import type { Clock } from '../../clock.ts'
import type { Parked, Reason } from '../../events/events.ts'
import type { ExecutionLoop } from '../../engine/execution-loop.ts'
import type { TaskActivity } from '../../engine/loop-parts.ts'
import type { ExecutionRecord, StoredExecution } from '../../store/execution-store.ts'
import type { EventLog } from '../../log/event-log.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import { Audience } from './disconnect-policy.ts'
import { type ShownStatus, showStatus } from './shown-status.ts'

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
  readonly #parked: Parked | undefined
  #taskIds: readonly string[] | undefined

  private constructor(
    record: ExecutionRecord,
    log: EventLog,
    loop: ExecutionLoop | undefined,
    graceMs: number,
    clock: Clock,
    { parked, loss }: { readonly parked?: Parked | undefined; readonly loss?: Loss | undefined },
  ) {
    this.record = record
    this.#parked = parked
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
    return new HostedExecution(record, log, undefined, Number.POSITIVE_INFINITY, clock, { parked: record.parked })
  }

  get executionId(): string {
    return this.record.executionId
  }

  /** Whether its last event is in the log. */
  get hasEnded(): boolean {
    return this.log.ending === 'complete'
  }

  get status(): ShownStatus {
    const { status } = this.log.state
    return showStatus({ status: status === 'pending' ? 'running' : status, parked: this.parked })
  }

  /** Why it does not resume by itself. */
  get parked(): Parked | undefined {
    return this.log.state.parked ?? this.#parked
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
    return this.#loop?.commanded ?? Promise.resolve()
  }

  /** Leaves it to the next process. */
  handOff(): void {
    this.#loop?.handOff()
  }

  #readTaskIds(): readonly string[] {
    const { workflow } = this.record
    if (workflow === undefined) return [...this.log.state.tasks.keys()]
    return (JSON.parse(workflow) as DAGStructure).tasks.map(({ id }) => id)
  }
}
