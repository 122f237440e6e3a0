import type { Parked } from '../../events/events.ts'
import type { FollowersElsewhere } from './disconnect-policy.ts'
import type { ShownStatus } from './shown-status.ts'

/** A store failure that an execution was resumed after. */
export interface StoreFailure {
  /** Last seq of the log at the failure. */
  readonly head: number
  /** Number of failures in a row without progress before it. */
  readonly stallCount: number
}

/** Optional properties of an execution that runs. */
export interface LiveOptions {
  readonly failure?: StoreFailure | undefined
  /** Its request asked for its grace: it holds also while the execution only waits for people. */
  readonly isGraceAsked?: boolean
  /** Whether it only waits for people has changed. */
  readonly onPersonWait?: () => void
  /** Its followers at other servers. */
  readonly followers?: PublishedFollowers | undefined
}

/** The followers of an execution of a shared store. */
export interface PublishedFollowers extends FollowersElsewhere {
  /** From now on another server coordinates the execution. */
  publish(): void
}

/** Further parts of a hosted execution. */
export type HostedParts = Pick<LiveOptions, 'failure' | 'followers'> & { readonly parked?: Parked | undefined }

/** An execution that a command was given to. */
export interface CommandedExecution {
  readonly executionId: string
  /** As of now. */
  readonly status: ShownStatus
  /** Resolves at its end; rejects when its log could not be kept. */
  readonly ended: Promise<void>
}
