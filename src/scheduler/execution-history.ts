import type { EventFor, Parked, Stop } from '../events/events.ts'
import { toStop } from '../events/state.ts'
import type { AppliedEvent } from './table-input.ts'

/** What the log says of an execution as a whole: how long it has run, whether it is being ended, handed off or parked. */
export class ExecutionHistory {
  /** Why it is being ended. */
  stop: Stop | undefined
  parked: Parked | undefined
  /** Its last process left it to the next one. */
  isHandedOff = false
  /** Another process has resumed it, and the log says so. */
  isResumed = false
  /** Its last event, once that is in the log. */
  end: EventFor<'execution_complete'>['data'] | undefined
  /** Of the last event of the last process that ran it. */
  lastTimestamp: string | undefined
  /** How long it ran in processes before the last one, ms. */
  #spentMs = 0
  /** When the last process began it, ms since 1970. */
  #beganAt: number | undefined

  /** How long it has run up to its last event, without the time between its processes, ms. A clock that was set back stands still. */
  get executionTimeMs(): number {
    if (this.#beganAt === undefined || this.lastTimestamp === undefined) return this.#spentMs
    return this.#spentMs + Math.max(0, Date.parse(this.lastTimestamp) - this.#beganAt)
  }

  /** Takes over how long it ran in earlier processes, from a record that says so beside the log. */
  restoreTime(spentMs: number, resumedAt: string | undefined): void {
    this.#spentMs = spentMs
    if (resumedAt !== undefined) this.#beganAt = Date.parse(resumedAt)
  }

  apply({ type, data }: AppliedEvent): void {
    // Recorded when nothing ran any more.
    if (type !== 'execution_parked') this.lastTimestamp = data.timestamp
    switch (type) {
      case 'execution_start':
        this.#beganAt ??= Date.parse(data.timestamp)
        return
      case 'execution_stopping':
        // It comes before a stop that only followed from a failure.
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
