import type { Clock } from '../clock.ts'
import type { Member, Members } from '../cluster/members.ts'
import { DagstreamError } from '../errors.ts'
import { describeError } from '../log/describe-error.ts'
import type { Logger } from '../log/logger.ts'

/** The parts of an announcement. */
export interface AnnouncementParts {
  readonly members: Members
  readonly dispatcher: string
  readonly ttlMs: number
  readonly clock: Clock
  readonly logger: Logger
  /** The member as it is now. */
  readonly describe: () => Member
  /** It can be announced no more. */
  readonly onConflict: (error: DagstreamError) => void
}

/** Announces a member three times in each of its leases. */
export class Announcement {
  readonly #parts: AnnouncementParts
  #isClosed = false
  #isAway = false
  #stopTimer: (() => void) | undefined

  constructor(parts: AnnouncementParts) {
    this.#parts = parts
  }

  /** The first one. @throws as `Members.announce` */
  async begin(): Promise<void> {
    await this.#announce()
    this.#arm()
  }

  /** Never rejects. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#stopTimer?.()
    const { members, describe, logger } = this.#parts
    try {
      await members.leave(describe().memberId)
    } catch (error) {
      logger.debug('The member did not leave: its lease expires', { error: describeError(error) })
    }
  }

  async #announce(): Promise<void> {
    const { members, describe, dispatcher, ttlMs } = this.#parts
    await members.announce(describe(), dispatcher, ttlMs)
  }

  #arm(): void {
    if (this.#isClosed) return
    const { clock, ttlMs } = this.#parts
    this.#stopTimer = clock.after(ttlMs / 3, () => void this.#renew())
  }

  /** Never rejects. */
  async #renew(): Promise<void> {
    const { logger, onConflict } = this.#parts
    try {
      await this.#announce()
      if (this.#isAway) logger.debug('The member is announced again')
      this.#isAway = false
    } catch (error) {
      if (error instanceof DagstreamError && error.code === 'DISPATCHER_CONFLICT') return onConflict(error)
      if (!this.#isAway)
        logger.warn('The member is not announced: repeated until it is', { error: describeError(error) })
      this.#isAway = true
    }
    this.#arm()
  }
}
