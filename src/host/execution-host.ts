import { isSharedStore, type SharedStore } from '../cluster/shared-store.ts'
import { readOptions } from '../engine/resume/recorded-options.ts'
import type { ExecutionLoop } from '../engine/execution-loop.ts'
import type { ExecutionRecord, StoredExecution } from '../store/execution-store.ts'
import type { ToolResolver } from '../tools/tool-resolver.ts'
import { Cluster } from './cluster/cluster.ts'
import { DEFAULT_CLUSTER_OPTIONS } from './cluster/cluster-options.ts'
import { DrainWaiter } from './drain-waiter.ts'
import { interrupted } from './errors/host-errors.ts'
import { ExecutionCommands } from './execution-commands.ts'
import { ExecutionStarts } from './execution-starts.ts'
import type { Claimant } from './execution/claimant.ts'
import { ExecutionArchive } from './execution/execution-archive.ts'
import type { ExecutionRequest } from './execution/execution-request.ts'
import { HostedExecution } from './execution/hosted-execution.ts'
import { RunningExecutions } from './execution/running-executions.ts'
import type { HostOptions } from './host-options.ts'
import type { ExecutionObserver } from '../engine/observers/execution-observer.ts'
import { Meters } from './observers/meters.ts'
import { ObserverHub } from '../engine/observers/observer-hub.ts'
import { Recovery } from './recovery/recovery.ts'
import type { LoopOrigin, RecoveryContext } from './recovery/recovery-context.ts'
import { answerStored } from '../engine/inputs/answer-stored.ts'
import { RunningPlans } from './plans/running-plans.ts'
import { Shutdown } from './shutdown.ts'
import { StoreRetries } from './storage/store-retries.ts'
import { SubscriberRegistry } from './subscribers/subscriber-registry.ts'

/** The executions of one process: those that run here, and through the store those that have ended. */
export class ExecutionHost {
  readonly archive: ExecutionArchive
  readonly commands: ExecutionCommands
  readonly subscribers: SubscriberRegistry
  readonly meters: Meters = new Meters()
  /** `undefined` for a store that does not outlive its process. */
  readonly recovery: Recovery | undefined
  /** Includes executions that are being registered. */
  readonly running: RunningExecutions
  /** The plans that are still being written. */
  readonly plans: RunningPlans
  /** On a shared store. */
  readonly cluster: Cluster | undefined
  /** Includes those of other processes on a shared store. */
  readonly tools: ToolResolver
  readonly #options: HostOptions
  readonly #observers: ObserverHub
  readonly #notify: () => void
  readonly #shutdown: Shutdown
  readonly #retries: StoreRetries
  readonly #starts: ExecutionStarts
  #closed: Promise<void> | undefined

  constructor(options: HostOptions) {
    const { maxSubscribers, execution, observers, drainMs } = options
    const { clock, logger, store, abortGraceMs } = execution
    this.#options = options
    const follow = isSharedStore(store) ? (record: StoredExecution) => this.#follow(record) : undefined
    this.archive = new ExecutionArchive(store, clock, follow)
    const appended: ExecutionObserver = {
      observe: ({ executionId }) => ({ onEntry: () => this.cluster?.hintLag.appended(executionId) }),
    }
    const { meters } = this
    const all = [meters, ...(isSharedStore(store) ? [appended] : []), ...observers]
    const onAppend = (tookMs: number): void => meters.appends.observe(tookMs / 1000)
    this.#observers = new ObserverHub(all, clock, logger, onAppend)
    const waiter = new DrainWaiter(clock)
    const onRelease = (): void => waiter.notify()
    this.#notify = onRelease
    this.subscribers = new SubscriberRegistry(maxSubscribers, clock, onRelease)
    this.running = new RunningExecutions({
      observers: this.#observers,
      logger,
      onEnded: hosted => {
        this.archive.cache(hosted)
        if (hosted.lease !== undefined) this.cluster?.leases.drop(hosted.lease)
      },
      onParked: ({ executionId, lease }) => {
        this.recovery?.quarantine.add(executionId)
        if (lease !== undefined) void this.cluster?.leases.release(lease)
      },
      onHandedOff: ({ lease }) => void (lease && this.cluster?.leases.release(lease)),
      onStoreFailure: hosted => this.recovery?.retryAfterFailure(hosted),
      onRelease,
      ...(isSharedStore(store) && { onLost: hosted => this.cluster?.lost(hosted) }),
    })
    this.#retries = new StoreRetries(clock, logger)
    this.cluster = isSharedStore(store) ? this.#createCluster(store) : undefined
    this.plans = new RunningPlans({ clock, graceMs: options.planGraceMs ?? 0, others: this.cluster })
    this.tools = this.cluster?.tools ?? options.tools
    const isRecovered = store.interrupted !== undefined || this.cluster !== undefined
    this.recovery = isRecovered ? this.#createRecovery(onRelease) : undefined
    const { running, archive, recovery, subscribers, cluster } = this
    this.#shutdown = new Shutdown({ running, recovery, subscribers, waiter, drainMs, abortGraceMs })
    this.#starts = new ExecutionStarts({
      options,
      tools: this.tools,
      counters: this.meters.counters,
      running,
      plans: this.plans,
      retries: this.#retries,
      observers: this.#observers,
      cluster,
      onPersonWait: onRelease,
      expectRoom: () => this.#expectRoom(),
      find: executionId => this.find(executionId),
    })
    this.commands = new ExecutionCommands({
      running,
      archive,
      recovery,
      expectRoom: () => this.#expectRoom(),
      answerStored: (executionId, inputId, answer, by) => answerStored(store, executionId, inputId, answer, clock, by),
      isServer: options.isServer,
      elsewhere: cluster?.commands,
    })
  }

  #createCluster(store: SharedStore): Cluster {
    const { tools, execution, isServer, cluster: options = DEFAULT_CLUSTER_OPTIONS } = this.#options
    const { clock, logger, random, abortGraceMs } = execution
    return new Cluster({
      store,
      options,
      clock,
      logger,
      random,
      tools,
      abortGraceMs,
      running: this.running,
      takesOver: isServer,
      takeOver: lease => void this.recovery?.takeOver(lease),
      takeoverCount: () => this.recovery?.pendingCount ?? 0,
      onEnded: hosted => this.archive.cache(hosted),
    })
  }

  #createRecovery(onRelease: () => void): Recovery {
    const { execution, isServer, workflows } = this.#options
    const { store, logger, clock } = execution
    const context: RecoveryContext = {
      adopt: (stored, loop, origin) => this.#adopt(stored, loop, origin),
      leases: this.cluster?.leases,
      resume: { options: execution, counters: this.meters.counters, isAttended: this.#options.isAttended, workflows },
      store,
      tools: this.cluster?.tools.recovery ?? this.tools,
      logger,
      clock,
      retries: this.#retries,
      observers: this.#observers,
      running: this.running,
      onRelease,
    }
    return new Recovery(context, isServer && this.cluster === undefined)
  }

  /** Joins a shared store. @returns rejects with `DISPATCHER_CONFLICT`, and with the errors of the store */
  async join(): Promise<void> {
    await this.cluster?.start()
  }

  get isClosing(): boolean {
    return this.#closed !== undefined
  }

  /** As `ExecutionStarts.findStarted`. */
  findStarted(claimant: Claimant, signal?: () => AbortSignal): Promise<HostedExecution | undefined> {
    return this.#starts.findStarted(claimant, signal)
  }

  /** As `ExecutionStarts.start`. */
  start(request: ExecutionRequest, claimant: Claimant = {}, signal?: () => AbortSignal): Promise<HostedExecution> {
    return this.#starts.start(request, claimant, signal)
  }

  /** The record of an execution, without its log; `undefined` if there is none. */
  async findRecord(executionId: string): Promise<ExecutionRecord | undefined> {
    return this.running.get(executionId)?.record ?? this.archive.findRecord(executionId)
  }

  /** An execution that runs here, or its log from the store; `undefined` where it was deleted meanwhile. */
  async find(executionId: string): Promise<HostedExecution | undefined> {
    await this.recovery?.whenDecided(executionId)
    return this.running.get(executionId) ?? this.archive.find(executionId)
  }

  /** Starts nothing more, lets executions run for the drain time, hands off or cancels the rest, and waits for their readers. */
  close(): Promise<void> {
    return (this.#closed ??= this.#drain())
  }

  async #drain(): Promise<void> {
    this.recovery?.close()
    this.#retries.close()
    this.#starts.close()
    this.plans.close()
    for (const { disconnectPolicy } of this.running.all()) disconnectPolicy.close()
    this.cluster?.drain()
    const { execution, drainMs } = this.#options
    const until = execution.clock.now() + drainMs
    await this.#shutdown.drain()
    // The attempts of other servers' executions have the rest of the time.
    await this.cluster?.close(Math.max(0, until - execution.clock.now()))
  }

  /** Takes in an execution that was resumed. */
  #adopt(stored: StoredExecution, loop: ExecutionLoop, { failure, lease }: LoopOrigin = {}): HostedExecution {
    const { execution, isServer } = this.#options
    const { graceMs: recorded, isGraceAsked = false } = isServer ? readOptions(stored.options) : {}
    const { status: _, notes: __, parked: ___, isStopping: ____, ...record } = stored
    const grace = recorded ?? Number.POSITIVE_INFINITY
    const followers = this.cluster?.followersOf(stored.executionId, false)
    const more = { failure, isGraceAsked, onPersonWait: this.#notify, followers }
    const hosted = HostedExecution.live(record, loop, grace, execution.clock, more)
    this.#retries.remove(stored.executionId)
    this.running.add(hosted)
    this.meters.resumedCount += 1
    if (lease !== undefined) hosted.share(lease, isServer)
    this.running.follow(hosted, loop)
    this.plans.adopt(record, loop)
    // It has no follower yet: its grace period restarts.
    if (this.isClosing) hosted.disconnectPolicy.close()
    else hosted.disconnectPolicy.watch()
    this.#shutdown.end(hosted)
    return hosted
  }

  async #follow(record: StoredExecution): Promise<HostedExecution> {
    if (this.cluster === undefined) throw interrupted()
    return this.cluster.followed.open(record)
  }

  #expectRoom(): void {
    const { maxExecutions } = this.#options
    this.running.expectRoom(maxExecutions, this.#starts.pendingCount + (this.recovery?.pendingCount ?? 0))
  }
}
