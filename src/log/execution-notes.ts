import type { Reason, TaskCode } from '../events/events.ts'

/** How what has not settled of an execution is ended. */
export interface Stop {
  /** Only where there is one to tell. */
  readonly reason?: Reason
  /** What the tasks are told to have ended with. */
  readonly message: string
  /** Where they fail, and are not cancelled. */
  readonly code?: TaskCode
}

/** What is known of an execution beside its log; plain JSON. */
export interface ExecutionNotes {
  /** It is being ended. */
  readonly stop?: Stop
  /** How many processes in a row ended without it; 0 after it was resumed by hand. */
  readonly crashCount?: number
  /** Its process left it to the next one: that was no crash. `null`: it was taken up since. */
  readonly left?: true | null
  /** Why it is not taken up by itself any more; `null`: it was, by hand. */
  readonly parked?: { readonly code: string; readonly message: string } | null
  /** How long it ran in processes before this one, ms. */
  readonly spentMs?: number
  /** When the process that runs it took it up; ISO 8601. */
  readonly resumedAt?: string
}
