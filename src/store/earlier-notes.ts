import type { Stop } from '../events/events.ts'

/**
 * State that an earlier version stored beside the log; events hold it now. Read only: once an execution with notes is
 * resumed, its log is complete.
 */
export interface EarlierNotes {
  /** Present while the execution is being ended. */
  readonly stop?: Stop
  /** Whether its process handed it off. */
  readonly left?: true | null
  readonly parked?: { readonly code: string; readonly message: string } | null
  /** Running time in earlier processes, without the last one, ms. */
  readonly spentMs?: number
  /** When the last process resumed it; ISO 8601. */
  readonly resumedAt?: string
}
