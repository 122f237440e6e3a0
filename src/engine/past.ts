import type { EventFor } from '../events/events.ts'
import type { LogEntry } from '../events/log-entry.ts'
import type { ExecutionNotes, Stop } from '../log/execution-notes.ts'

/** What is told of an attempt that ended with its process. */
export const INTERRUPTED: Stop & { readonly code: string } = {
  code: 'INTERRUPTED',
  message: 'The process that ran it ended',
}

/** A task that had started and not settled. */
export interface UnsettledTask {
  /** When its last attempt started, ms since 1970; `undefined` once that is over. */
  startedAt: number | undefined
  /** When that was over and how long the next one waits, ms since 1970 and ms. */
  retry: { readonly at: number; readonly delayMs: number } | undefined
  /** The sum of the attempts that are over, ms. */
  spentMs: number
  interruptedCount: number
}

/**
 * What the entries of a log tell beyond its state, for whoever goes on with it. Times are those of the timestamps, to the
 * millisecond; a clock that was set back counts as one that stood still.
 */
export class Past {
  /** By id. */
  readonly unsettled: Map<string, UnsettledTask> = new Map()
  /** How the execution ended, if it has. */
  end: EventFor<'execution_complete'>['data'] | undefined
  readonly #notes: ExecutionNotes
  #beganAt: number | undefined
  #lastTimestamp: string | undefined

  constructor(notes: ExecutionNotes = {}) {
    this.#notes = notes
    this.#beganAt = notes.resumedAt === undefined ? undefined : Date.parse(notes.resumedAt)
  }

  /** Takes the entries in their order. */
  add({ type, data }: LogEntry): void {
    this.#lastTimestamp = data.timestamp
    const taskId = data.taskId as string
    switch (type) {
      case 'execution_start':
        this.#beganAt ??= Date.parse(data.timestamp)
        return
      case 'task_start': {
        const task = this.unsettled.get(taskId)
        const startedAt = Date.parse(data.timestamp)
        if (task === undefined) {
          this.unsettled.set(taskId, { startedAt, retry: undefined, spentMs: 0, interruptedCount: 0 })
          return
        }
        task.startedAt = startedAt
        task.retry = undefined
        return
      }
      case 'task_retry': {
        const task = this.unsettled.get(taskId)
        if (task === undefined) return
        const { delayMs, code, error } = data as unknown as EventFor<'task_retry'>['data']
        const at = Date.parse(data.timestamp)
        const isInterrupted = code === INTERRUPTED.code && error === INTERRUPTED.message
        if (isInterrupted) task.interruptedCount += 1
        // How long a cut attempt ran before its process ended is not known.
        else if (task.startedAt !== undefined) task.spentMs += Math.max(0, at - task.startedAt)
        task.startedAt = undefined
        task.retry = { at, delayMs }
        return
      }
      case 'task_complete':
        this.unsettled.delete(taskId)
        return
      case 'execution_complete':
        this.end = data as unknown as EventFor<'execution_complete'>['data']
        return
      default:
        return
    }
  }

  /** How long the execution has run, the lives of its processes put together, ms. The last one counts up to its last event. */
  get spentMs(): number {
    const { spentMs = 0 } = this.#notes
    if (this.#beganAt === undefined || this.#lastTimestamp === undefined) return spentMs
    return spentMs + Math.max(0, Date.parse(this.#lastTimestamp) - this.#beganAt)
  }
}
