import type { EventFor, Parked, Stop } from '../events/events.ts'
import { toStop } from '../events/state.ts'
import type { AppliedEvent } from './table-input.ts'

/** The state of an execution as a whole, from its log: run time, stop, handoff, parking, end. */
export class ExecutionHistory {
  /** The reason for which it is being stopped. */
  stop: Stop | undefined
  parked: Parked | undefined
  /** Whether its last process handed it off. */
  isHandedOff = false
  /** Whether the log records a resumption. */
  isResumed = false
  /** The data of its last event, once that is in the log. */
  end: EventFor<'execution_complete'>['data'] | undefined
  /** Time of the last event of the last process that ran it. */
  lastTimestamp: string | undefined
  /** Run time in processes before the last one, ms. */
  #spentMs = 0
  /** Start in the last process, ms since 1970. */
  #beganAt: number | undefined

  /** Run time up to the last event, without the time between processes, ms. A clock that was set back adds nothing. */
  get executionTimeMs(): number {
    if (this.#beganAt === undefined || this.lastTimestamp === undefined) return this.#spentMs
    return this.#spentMs + Math.max(0, Date.parse(this.lastTimestamp) - this.#beganAt)
  }

  /** Restores the run time of earlier processes from a record of an earlier version, which has it beside the log. */
  restoreTime(spentMs: number, resumedAt: string | undefined): void {
    this.#spentMs = spentMs
    if (resumedAt !== undefined) this.#beganAt = Date.parse(resumedAt)
  }

  apply({ type, data }: AppliedEvent): void {
    // Parking is recorded after the last process ended.
    if (type !== 'execution_parked') this.lastTimestamp = data.timestamp
    switch (type) {
      case 'execution_start':
        this.#beganAt ??= Date.parse(data.timestamp)
        return
      case 'execution_stopping':
        // Takes precedence over a stop that only followed from a failure.
        this.stop = toStop(data)
        return
      case 'execution_handed_off':
        this.isHandedOff = true
        return
      case 'execution_resumed':
        this.#spentMs = data.executionTimeMs
        this.#beganAt = Date.parse(data.timestamp)
        this.isResumed = true
        this.isHandedOff = false
        this.parked = undefined
        return
      case 'execution_parked':
        this.parked = { code: data.code, message: data.message, tasks: data.tasks }
        return
      case 'execution_complete':
        this.end = data
        return
      default:
        return
    }
  }
}
