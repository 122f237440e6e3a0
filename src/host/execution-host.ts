import { DagstreamError } from '../errors.ts'
import { isSharedStore, type SharedStore } from '../cluster/shared-store.ts'
import type { Lease } from '../log/event-log.ts'
import { createLoop } from '../engine/executors/launch.ts'
import { readOptions } from '../engine/resume/recorded-options.ts'
import type { ExecutionLoop } from '../engine/execution-loop.ts'
import type { ExecutionRecord, StoredExecution } from '../store/execution-store.ts'
import type { ToolRegistry } from '../tools/registry.ts'
import type { ToolResolver } from '../tools/tool-resolver.ts'
import { boundCall } from './cluster/bound-call.ts'
import { Cluster } from './cluster/cluster.ts'
import { DEFAULT_CLUSTER_OPTIONS } from './cluster/cluster-options.ts'
import { DrainWaiter } from './drain-waiter.ts'
import { interrupted, shuttingDown } from './errors/host-errors.ts'
import { ExecutionCommands } from './execution-commands.ts'
import { type Claimant, expectRepeat, isRepeat } from './execution/claimant.ts'
import { ExecutionArchive } from './execution/execution-archive.ts'
import type { ExecutionRequest } from './execution/execution-request.ts'
import { HostedExecution } from './execution/hosted-execution.ts'
import { RunningExecutions } from './execution/running-executions.ts'
import { findKnown } from './find-known.ts'
import type { HostOptions } from './host-options.ts'
import type { ExecutionObserver } from './observers/execution-observer.ts'
import { Meters } from './observers/meters.ts'
import { ObserverHub } from './observers/observer-hub.ts'
import { PendingStart } from './pending-start.ts'
import { Recovery } from './recovery/recovery.ts'
import type { LoopOrigin, RecoveryContext } from './recovery/recovery-context.ts'
import { answerStored } from '../engine/inputs/answer-stored.ts'
import { Shutdown } from './shutdown.ts'
import { createAndClaim } from '../store/create-and-claim.ts'
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
  /** On a shared store. */
  readonly cluster: Cluster | undefined
  readonly #options: HostOptions
  readonly #tools: ToolResolver
  readonly #observers: ObserverHub
  readonly #notify: () => void
  readonly #shutdown: Shutdown
  readonly #retries: StoreRetries
  /** Executions that wait for their tools; each counts as one that runs. */
  readonly #pendingStarts = new Set<PendingStart>()
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
    const all = [this.meters, ...(isSharedStore(store) ? [appended] : []), ...observers]
    this.#observers = new ObserverHub(all, this.meters.appends, clock, logger)
    const waiter = new DrainWaiter(clock)
    const onRelease = (): void => waiter.notify()
    this.#notify = onRelease
    this.subscribers = new SubscriberRegistry(maxSubscribers, clock, onRelease)
    this.running = new RunningExecutions({
      observers: this.#observers,
      logger,
      onEnded: hosted => this.archive.cache(hosted),
      onStoreFailure: hosted => this.recovery?.retryAfterFailure(hosted),
      onRelease,
      ...(isSharedStore(store) && { onLost: hosted => this.cluster?.lost(hosted) }),
    })
    this.#retries = new StoreRetries(clock, logger)
    this.cluster = isSharedStore(store) ? this.#createCluster(store) : undefined
    this.#tools = this.cluster?.tools ?? options.tools
    const isRecovered = store.interrupted !== undefined || this.cluster !== undefined
    this.recovery = isRecovered ? this.#createRecovery(onRelease) : undefined
    const { running, archive, recovery, subscribers, cluster } = this
    const leave = cluster && ((hosted: HostedExecution) => cluster.handOff(hosted))
    this.#shutdown = new Shutdown({ running, recovery, subscribers, waiter, leave, drainMs, abortGraceMs })
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
    const { clock, logger, random } = execution
    return new Cluster({
      store,
      options,
      clock,
      logger,
      random,
      tools,
      running: this.running,
      takesOver: isServer,
      takeOver: lease => void this.recovery?.takeOver(lease),
      takeoverCount: () => this.recovery?.pendingCount ?? 0,
      onEnded: hosted => this.archive.cache(hosted),
    })
  }

  #createRecovery(onRelease: () => void): Recovery {
    const { execution, isServer } = this.#options
    const { store, logger, clock } = execution
    const context: RecoveryContext = {
      adopt: (stored, loop, origin) => this.#adopt(stored, loop, origin),
      leases: this.cluster?.leases,
      resume: { options: execution, counters: this.meters.counters, isAttended: this.#options.isAttended },
      store,
      tools: this.cluster?.tools.recovery ?? this.#tools,
      logger,
      clock,
      retries: this.#retries,
      observers: this.#observers,
      running: this.running,
      onRelease,
    }
    return new Recovery(context, isServer && this.cluster === undefined)
  }

  get isClosing(): boolean {
    return this.#closed !== undefined
  }

  /**
   * Starts an execution, or attaches to the one that the same claimant started under the same key.
   *
   * A client that leaves while the tools are pending releases its place; nothing starts unless another waiter remains, or the
   * execution is to run without a follower.
   * @param signal called only where something is waited for; aborts when the client has left. Absent: it never leaves
   * @throws `INVALID_WORKFLOW`, `UNKNOWN_TASK`, `IDEMPOTENCY_CONFLICT`, `TOO_MANY_EXECUTIONS`, `SHUTTING_DOWN`; `CANCELLED` once the client has
   *   left; the errors of the store and of the tool provider
   */
  async start(
    request: ExecutionRequest,
    claimant: Claimant = {},
    signal?: () => AbortSignal,
  ): Promise<HostedExecution> {
    const { graceMs, workflows, execution } = this.#options
    // Called first: a repeat starts nothing, whatever the other checks would answer.
    const finding = findKnown(execution.store, this.#retries, claimant)
    const known = await (this.cluster === undefined ? finding : boundCall(execution.clock, finding))
    if (known !== undefined) return this.#attach(known, claimant)
    this.#expectOpen()
    const mayLeave = (request.graceMs ?? graceMs) !== Number.POSITIVE_INFINITY
    const first = [...this.#pendingStarts].find(each => isRepeat(each.claimant, claimant))
    if (first !== undefined) {
      expectRepeat(claimant, first.claimant)
      return first.addWaiter(mayLeave ? signal?.() : undefined)
    }
    if (!this.running.isStarting(claimant)) this.#expectRoom()
    const found = this.#tools.toolsFor(workflows?.record(request.workflow) ?? request.workflow)
    if (!(found instanceof Promise)) return this.#begin(request, claimant, found)
    const pending = new PendingStart(claimant, found, {
      begin: registry => this.#begin(request, claimant, registry),
      onSettled: () => this.#pendingStarts.delete(pending),
    })
    this.#pendingStarts.add(pending)
    return pending.addWaiter(mayLeave ? signal?.() : undefined)
  }

  async #begin(request: ExecutionRequest, claimant: Claimant, tools: ToolRegistry): Promise<HostedExecution> {
    this.#expectOpen()
    const { execution, graceMs, workflows, isAttended } = this.#options
    const { workflow, input, isGraceAsked = false } = request
    const options = { ...execution, ...request.options }
    const parts = { ...request, workflows, isAttended, owner: claimant.owner }
    const { loop, start, describe } = createLoop(workflow, tools, input, options, this.meters.counters, parts)
    const grace = request.graceMs ?? graceMs
    const record = { ...describe({ graceMs: grace, isGraceAsked }), ...claimant }
    const followers = this.cluster?.followersOf(record.executionId, false)
    const more = { isGraceAsked, onPersonWait: this.#notify, followers }
    const hosted = HostedExecution.live(record, loop, grace, execution.clock, more)
    // Added before the store is called: a request that finds the execution there finds it here, too.
    this.running.add(hosted)
    try {
      const { lease, existing } = await (this.cluster?.register(record) ??
        createAndClaim(execution.store, record, remove => this.#retries.add(record.executionId, remove)))
      if (existing !== undefined) {
        this.running.remove(hosted)
        return await this.#attach(existing, claimant)
      }
      this.#observers.observe(record, workflow.name, loop.log)
      this.#share(hosted, loop, lease)
      this.running.follow(hosted, loop)
      start(lease)
      return hosted
    } catch (error) {
      this.running.remove(hosted)
      hosted.disconnectPolicy.close()
      // A request that found it meanwhile waits for it.
      loop.onLogFailure(error)
      throw error
    }
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
    for (const pending of this.#pendingStarts) pending.fail(shuttingDown())
    for (const { disconnectPolicy } of this.running.all()) disconnectPolicy.close()
    this.cluster?.drain()
    await this.#shutdown.drain()
    await this.cluster?.close()
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
    if (lease !== undefined) this.#share(hosted, loop, lease)
    this.running.follow(hosted, loop)
    // It has no follower yet: its grace period restarts.
    if (this.isClosing) hosted.disconnectPolicy.close()
    else hosted.disconnectPolicy.watch()
    this.#shutdown.end(hosted)
    return hosted
  }

  /** On a shared store other servers may continue it. */
  #share(hosted: HostedExecution, loop: ExecutionLoop, lease: Lease): void {
    if (this.cluster === undefined) return
    hosted.lease = lease
    loop.shareLog()
  }

  async #follow(record: StoredExecution): Promise<HostedExecution> {
    if (this.cluster === undefined) throw interrupted()
    return this.cluster.followed.open(record)
  }

  #expectRoom(): void {
    const { maxExecutions } = this.#options
    this.running.expectRoom(maxExecutions, this.#pendingStarts.size + (this.recovery?.pendingCount ?? 0))
  }

  /** @throws `IDEMPOTENCY_CONFLICT` */
  async #attach(existing: StoredExecution, claimant: Claimant): Promise<HostedExecution> {
    expectRepeat(claimant, existing)
    const hosted = await this.find(existing.executionId)
    if (hosted !== undefined) return hosted
    throw new DagstreamError('STORE_FAILED', `The store has lost execution \`${existing.executionId}\``)
  }

  #expectOpen(): void {
    if (this.isClosing) throw shuttingDown()
  }
}
