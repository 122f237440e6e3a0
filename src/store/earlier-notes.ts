import type { Stop } from '../events/events.ts'

/**
 * What an earlier version kept of an execution beside its log; events say it now. Only read: an execution that has them is resumed once
 * more, and its log has all from then on.
 */
export interface EarlierNotes {
  /** It is being ended. */
  readonly stop?: Stop
  /** Its process left it to the next one. */
  readonly left?: true | null
  readonly parked?: { readonly code: string; readonly message: string } | null
  /** How long it ran in processes before the last one, ms. */
  readonly spentMs?: number
  /** When the last process took it up; ISO 8601. */
  readonly resumedAt?: string
}
