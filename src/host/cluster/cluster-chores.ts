import type { SharedStore } from '../../cluster/shared-store.ts'
import { callStore } from '../../store/call-store.ts'
import type { ClusterParts } from './cluster-parts.ts'
import type { ConnectionWatch } from './connection-watch.ts'
import type { FollowedExecutions } from './followed-executions.ts'
import type { LeaseKeeper } from './lease-keeper.ts'
import { Periodic } from './periodic.ts'

/** Longest pauses between two runs, ms. */
const TAKEOVER_MS = 1000
const INBOX_MS = 1000
const FOLLOW_MS = 1000
const EXPIRY_MS = 1000
const UNCLAIMED_MS = 5000
const SWEEP_MS = 60_000

/** Number of renewals within one lease. */
const RENEWALS = 3.3

/** Executions that are being taken over at a time; more are claimed once these run. */
const MAX_TAKEOVERS = 32

/** What the chores work with. */
export interface ChoreParts
  extends Pick<ClusterParts, 'clock' | 'random' | 'options' | 'running' | 'takesOver' | 'takeOver' | 'takeoverCount'> {
  readonly store: Pick<SharedStore, 'inbox' | 'orders' | 'sweep'>
  readonly watch: ConnectionWatch
  readonly leases: LeaseKeeper
  readonly followed: FollowedExecutions
  readonly memberId: string
  /** Renews everything that this server has. */
  readonly heartbeat: () => Promise<void>
}

/** The work of a server on timers: renewal, takeovers, inboxes, followed logs, expired orders, retention. */
export class ClusterChores {
  readonly #parts: ChoreParts
  readonly #takeovers: Periodic
  readonly #inboxes: Periodic
  readonly #all: readonly Periodic[]

  constructor(parts: ChoreParts) {
    const { clock, random, watch, options, store, takesOver, followed, heartbeat } = parts
    this.#parts = parts
    const every = (periodMs: number, work: () => Promise<unknown>): Periodic => {
      const onError = (error: unknown): void => watch.failed(error)
      return new Periodic(async () => void (await work()), { periodMs, clock, random, onError })
    }
    // During an outage nobody could renew: nothing has expired because of it.
    const steady = (work: () => unknown) => async () => {
      if (watch.isSteady) await callStore(work)
    }
    this.#takeovers = every(TAKEOVER_MS, () => this.#takeOver())
    this.#inboxes = every(INBOX_MS, () => this.#deliverWaiting())
    this.#all = [
      every(options.leaseMs / RENEWALS, heartbeat),
      this.#inboxes,
      every(FOLLOW_MS, () => followed.poll()),
      ...(takesOver
        ? [
            this.#takeovers,
            every(
              EXPIRY_MS,
              steady(() => store.orders.interruptExpired()),
            ),
            every(
              UNCLAIMED_MS,
              steady(() => store.orders.refuseUnclaimed(options.toolsWaitMs)),
            ),
            every(
              SWEEP_MS,
              steady(() => store.sweep()),
            ),
          ]
        : []),
    ]
  }

  start(): void {
    for (const chore of this.#all) chore.start()
  }

  /** The inbox of an execution may have messages. */
  deliver(executionId: string): void {
    this.#parts.running
      .get(executionId)
      ?.deliver()
      .catch(error => this.#parts.watch.failed(error))
  }

  deliverAll(): void {
    this.#inboxes.now()
  }

  /** @returns once the present one has ended */
  stopTakeovers(): Promise<void> {
    return this.#takeovers.close()
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map(chore => chore.close()))
  }

  /** What another server has given back is taken over at once, such as by the next version of the same server. */
  async #takeOver(): Promise<void> {
    const { leases, watch, takeOver, takeoverCount } = this.#parts
    const room = MAX_TAKEOVERS - takeoverCount()
    if (room <= 0 || watch.isAway) return
    for (const lease of await leases.claimFree(room, watch.isSteady ? 'all' : 'released')) takeOver(lease)
  }

  async #deliverWaiting(): Promise<void> {
    const { store, memberId } = this.#parts
    const waiting = await callStore(() => store.inbox.listWaiting(memberId))
    for (const executionId of waiting) this.deliver(executionId)
  }
}
