import type { KnownMember, Member } from '../../cluster/members.ts'
import type { Hint } from '../../cluster/shared-store.ts'
import type { WaitingOrders } from '../../cluster/order.ts'
import { PACKAGE_VERSION } from '../../cluster/version.ts'
import { createId } from '../../engine/execution-id.ts'
import { DagstreamError } from '../../errors.ts'
import { describeError } from '../../log/describe-error.ts'
import { callStore } from '../../store/call-store.ts'
import type { Registration } from '../../store/create-and-claim.ts'
import type { ExecutionRecord } from '../../store/execution-store.ts'
import { shuttingDown } from '../errors/host-errors.ts'
import type { HostedExecution } from '../execution/hosted-execution.ts'
import { boundCall } from './bound-call.ts'
import { ClusterChores } from './cluster-chores.ts'
import type { ClusterParts } from './cluster-parts.ts'
import { ClusterTools } from './cluster-tools.ts'
import { ConnectionWatch } from './connection-watch.ts'
import { EmbeddedWorker } from './embedded-worker.ts'
import { FollowedExecutions } from './followed-executions.ts'
import { Followers } from './followers.ts'
import { HintLag } from './hint-lag.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { RemoteCommands } from './remote-commands.ts'
import { SubscriberCounts } from './subscriber-counts.ts'

/** Dispatcher name of the store alone. */
const STORE_DISPATCHER = 'store'

/** Time beyond a takeover that a remote command waits for its reply, ms. */
const REPLY_MS = 5000

/** A host as one of several processes on a shared store. */
export class Cluster {
  /** Identifies this process among those on the store. */
  readonly memberId: string = createId()
  readonly leases: LeaseKeeper
  readonly followed: FollowedExecutions
  readonly commands: RemoteCommands
  readonly tools: ClusterTools
  readonly watch: ConnectionWatch
  readonly hintLag: HintLag
  /** `undefined` for a server that leaves all attempts to others. */
  readonly worker: EmbeddedWorker | undefined
  readonly #parts: ClusterParts
  readonly #counts: SubscriberCounts
  readonly #chores: ClusterChores
  readonly #startedAt: string
  #unsubscribe: Promise<() => Promise<void>> | undefined
  /** The first announcement. */
  #started: Promise<void> | undefined

  constructor(parts: ClusterParts) {
    const { store, options, clock, logger, running } = parts
    const { leaseMs: ttlMs } = options
    const onError = (error: unknown): void => this.watch.failed(error)
    this.#parts = parts
    this.#startedAt = new Date(clock.wallTime()).toISOString()
    this.watch = new ConnectionWatch(clock, ttlMs, logger, () => this.#returned())
    this.hintLag = new HintLag(clock)
    this.worker = options.work ? new EmbeddedWorker(parts) : undefined
    this.tools = new ClusterTools(parts.tools, store.members, clock, logger)
    this.#counts = new SubscriberCounts(store.members, this.memberId, onError)
    this.leases = new LeaseKeeper({
      leases: store.leases,
      holder: this.memberId,
      ttlMs,
      logger,
      clock,
      onLost: executionId => running.get(executionId)?.leave(leaseLost()),
    })
    this.followed = new FollowedExecutions({
      store,
      clock,
      followersOf: executionId => this.followersOf(executionId, true),
      onEnded: parts.onEnded,
      onError,
    })
    this.commands = new RemoteCommands({
      inbox: store.inbox,
      clock,
      createId,
      waitMs: ttlMs + REPLY_MS,
      isCoordinated: async executionId => {
        const stored = await callStore(() => store.get(executionId))
        return stored?.status === 'running' && stored.parked === undefined
      },
    })
    this.#chores = new ClusterChores({
      ...parts,
      watch: this.watch,
      leases: this.leases,
      followed: this.followed,
      memberId: this.memberId,
      heartbeat: () => this.#heartbeat(),
    })
  }

  /**
   * Joins the store and begins to work; idempotent.
   * @returns rejects with `DISPATCHER_CONFLICT`, and with the errors of the store
   */
  start(): Promise<void> {
    this.#started ??= this.#start()
    return this.#started
  }

  /**
   * Creates an execution and claims it, within a bounded time. What the store creates later is removed again; an execution with
   * an idempotency key is left to the next server, since the key may have been asked for again.
   * @throws the errors of the store
   */
  register(record: ExecutionRecord): Promise<Registration> {
    const { store, clock, logger } = this.#parts
    return boundCall(clock, this.leases.create(record), ({ lease }) => {
      if (lease === undefined) return
      const release = this.leases.release(lease)
      if (record.idempotencyKey !== undefined) return
      const remove = release.then(() => callStore(() => store.delete(record.executionId)))
      remove.catch((error: unknown) => {
        const fields = { executionId: record.executionId, error: describeError(error) }
        logger.warn('An execution that was created too late could not be removed', fields)
      })
    })
  }

  /** The living processes on the store. @throws the errors of the store */
  listMembers(): Promise<readonly KnownMember[]> {
    return callStore(() => this.#parts.store.members.list())
  }

  /** The orders that no worker has taken. @throws the errors of the store */
  countWaiting(): Promise<readonly WaitingOrders[]> {
    return callStore(() => this.#parts.store.orders.countWaiting())
  }

  /** The followers of a log of an execution. @param isPublished whether another server coordinates it */
  followersOf(executionId: string, isPublished: boolean): Followers {
    const { members } = this.#parts.store
    const count = (): Promise<number> => callStore(() => members.countSubscribers(executionId))
    return new Followers(executionId, this.#counts, count, isPublished)
  }

  /** This server coordinates an execution no more; its readers here follow its log. */
  lost(hosted: HostedExecution): void {
    hosted.leave(leaseLost())
    // A lease that the store still has, such as after a failed append, is given back.
    if (hosted.lease !== undefined) void this.leases.release(hosted.lease)
    this.hintLag.forget(hosted.executionId)
    this.followed.adopt(hosted)
    hosted.followers?.publish()
  }

  /** Takes nothing over any more, and ends the readers of executions of other servers. */
  drain(): void {
    void this.#chores.stopTakeovers()
    this.followed.close(shuttingDown())
  }

  /** Gives all leases and orders back and leaves. @param drainMs time for running attempts to end. Never rejects. */
  async close(drainMs: number): Promise<void> {
    await this.worker?.close(drainMs)
    await this.#chores.close()
    await this.leases.releaseAll()
    try {
      await (await this.#unsubscribe)?.()
      if (this.#started !== undefined) await this.#parts.store.members.leave(this.memberId)
    } catch (error) {
      this.#parts.logger.warn('The server could not leave its store in order', { error: describeError(error) })
    }
  }

  async #start(): Promise<void> {
    const { maxRunningPerOwner } = this.#parts.options
    const { members } = this.#parts.store
    try {
      await this.#announce()
      if (maxRunningPerOwner !== undefined) await callStore(() => members.limitOwners(maxRunningPerOwner))
      this.watch.answered()
    } catch (error) {
      this.watch.failed(error)
      throw error
    } finally {
      void this.worker?.start()
      this.#subscribe()
      this.#chores.start()
    }
  }

  #announce(): Promise<void> {
    const { store, options, running } = this.#parts
    const member: Member = {
      memberId: this.memberId,
      role: 'server',
      startedAt: this.#startedAt,
      // Those of the worker within this process are announced by the worker.
      tools: [],
      running: running.size,
      capacity: 0,
      version: PACKAGE_VERSION,
    }
    const dispatcher = options.dispatcher?.name ?? STORE_DISPATCHER
    return callStore(() => store.members.announce(member, dispatcher, options.leaseMs))
  }

  async #heartbeat(): Promise<void> {
    await Promise.all([this.leases.renew(), this.#announce()])
    this.watch.answered()
    this.#subscribe()
    this.#counts.write()
  }

  /** The store answers again: what it said meanwhile, and what it knew of this server, may be lost. */
  #returned(): void {
    this.#counts.repeat()
    this.#wakeAll()
  }

  #subscribe(): void {
    if (this.#unsubscribe !== undefined) return
    const subscribed = this.#parts.store.hints.subscribe(hints => this.#wake(hints), ['inbox', 'reply'])
    this.#unsubscribe = subscribed
    subscribed.catch((error: unknown) => {
      this.#unsubscribe = undefined
      this.watch.failed(error)
    })
  }

  #wake(hints: readonly Hint[] | undefined): void {
    if (hints === undefined) return this.#wakeAll()
    for (const hint of hints) {
      // Of this server: it counts how long its own take.
      if (hint.kind === 'log') this.hintLag.hinted(hint.executionId)
      else if (hint.kind === 'inbox') this.#chores.deliver(hint.executionId)
      else if (hint.kind === 'reply') this.commands.wake(hint.executionId)
    }
  }

  #wakeAll(): void {
    this.followed.wakeAll()
    this.commands.wake()
    this.#chores.deliverAll()
  }
}

function leaseLost(): DagstreamError {
  return new DagstreamError('FENCED', 'This server has lost the lease of the execution')
}
