import { createLoop } from '../engine/executors/launch.ts'
import { DagstreamError } from '../errors.ts'
import { createAndClaim } from '../store/create-and-claim.ts'
import type { StoredExecution } from '../store/execution-store.ts'
import type { ToolRegistry } from '../tools/registry.ts'
import type { ToolResolver } from '../tools/tool-resolver.ts'
import type { MutableCounters } from '../engine/counters.ts'
import { boundCall } from './cluster/bound-call.ts'
import type { Cluster } from './cluster/cluster.ts'
import { shuttingDown } from './errors/host-errors.ts'
import { type Claimant, expectRepeat, isRepeat } from './execution/claimant.ts'
import type { ExecutionRequest } from './execution/execution-request.ts'
import { HostedExecution } from './execution/hosted-execution.ts'
import type { RunningExecutions } from './execution/running-executions.ts'
import { findKnown } from './find-known.ts'
import type { HostOptions } from './host-options.ts'
import type { ObserverHub } from '../engine/observers/observer-hub.ts'
import { addAllTools, mayPlan } from './recovery/grown-tools.ts'
import type { RunningPlans } from './plans/running-plans.ts'
import { PendingStart } from './pending-start.ts'
import type { StoreRetries } from './storage/store-retries.ts'

/** The parts of a host that its starts work with. */
export interface StartContext {
  readonly options: HostOptions
  readonly tools: ToolResolver
  readonly counters: MutableCounters
  readonly running: RunningExecutions
  readonly plans: RunningPlans
  readonly retries: StoreRetries
  readonly observers: ObserverHub
  readonly cluster: Cluster | undefined
  readonly onPersonWait: () => void
  /** @throws `TOO_MANY_EXECUTIONS` */
  readonly expectRoom: () => void
  readonly find: (executionId: string) => Promise<HostedExecution | undefined>
}

/** Starts the executions of a host. */
export class ExecutionStarts {
  readonly #context: StartContext
  /** Executions that wait for their tools; each counts as one that runs. */
  readonly #pendingStarts = new Set<PendingStart>()
  #isClosed = false

  constructor(context: StartContext) {
    this.#context = context
  }

  /** Number of executions that wait for their tools. */
  get pendingCount(): number {
    return this.#pendingStarts.size
  }

  /** Starts nothing more. */
  close(): void {
    this.#isClosed = true
    for (const pending of this.#pendingStarts) pending.fail(shuttingDown())
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
    const { graceMs, workflows } = this.#context.options
    // Called first: a repeat starts nothing, whatever the other checks would answer.
    const known = await this.#find(claimant)
    if (known !== undefined) return known
    this.#expectOpen()
    const mayLeave = (request.graceMs ?? graceMs) !== Number.POSITIVE_INFINITY
    const first = [...this.#pendingStarts].find(each => isRepeat(each.claimant, claimant))
    if (first !== undefined) {
      expectRepeat(claimant, first.claimant)
      return first.addWaiter(mayLeave ? signal?.() : undefined)
    }
    if (!this.#context.running.isStarting(claimant)) this.#context.expectRoom()
    const { tools } = this.#context
    // Nobody knows yet what a plan that is being written will name.
    const found =
      request.plan === undefined
        ? this.#findTools(workflows?.record(request.workflow) ?? request.workflow)
        : tools.tools()
    if (!(found instanceof Promise)) return this.#begin(request, claimant, found)
    const pending = new PendingStart(claimant, found, {
      begin: registry => this.#begin(request, claimant, registry),
      onSettled: () => this.#pendingStarts.delete(pending),
    })
    this.#pendingStarts.add(pending)
    return pending.addWaiter(mayLeave ? signal?.() : undefined)
  }

  /** Those that a document names, and all others where its tasks plan tasks. */
  #findTools(workflow: unknown): ToolRegistry | Promise<ToolRegistry> {
    const { tools, options } = this.#context
    const found = tools.toolsFor(workflow)
    if (!(found instanceof Promise)) return found
    return found.then(named => (mayPlan(workflow, named) ? addAllTools(named, tools, options.execution.logger) : named))
  }

  /**
   * The execution that the same claimant started under the same key, if there is one.
   * @param signal as of `start`
   * @throws as `start` does
   */
  async findStarted(claimant: Claimant, signal?: () => AbortSignal): Promise<HostedExecution | undefined> {
    const known = await this.#find(claimant)
    if (known !== undefined) return known
    const first = [...this.#pendingStarts].find(each => isRepeat(each.claimant, claimant))
    if (first === undefined) return undefined
    expectRepeat(claimant, first.claimant)
    return first.addWaiter(signal?.())
  }

  /** @throws `IDEMPOTENCY_CONFLICT`; the errors of the store */
  async #find(claimant: Claimant): Promise<HostedExecution | undefined> {
    const { clock, store } = this.#context.options.execution
    const finding = findKnown(store, this.#context.retries, claimant)
    const known = await (this.#context.cluster === undefined ? finding : boundCall(clock, finding))
    return known && this.#attach(known, claimant)
  }

  async #begin(request: ExecutionRequest, claimant: Claimant, tools: ToolRegistry): Promise<HostedExecution> {
    this.#expectOpen()
    const { execution, graceMs, workflows, isAttended } = this.#context.options
    const { workflow, input, isGraceAsked = false } = request
    const options = { ...execution, ...request.options }
    const parts = { ...request, workflows, isAttended, owner: claimant.owner, streamed: request.plan?.streamed }
    const { loop, start, describe } = createLoop(workflow, tools, input, options, this.#context.counters, parts)
    const grace = request.graceMs ?? graceMs
    const { owner } = claimant
    const identity = { executionId: loop.executionId, ...(owner !== undefined && { owner }) }
    const begun = this.#context.observers.begin(identity, workflow.name, request.traceparent)
    const { traceparent } = begun
    const record = { ...describe({ graceMs: grace, isGraceAsked, traceparent }), ...claimant }
    const followers = this.#context.cluster?.followersOf(record.executionId, false)
    const more = { isGraceAsked, onPersonWait: this.#context.onPersonWait, followers }
    const hosted = HostedExecution.live(record, loop, grace, execution.clock, more)
    // Added before the store is called: a request that finds the execution there finds it here, too.
    this.#context.running.add(hosted)
    try {
      const { lease, existing } = await (this.#context.cluster?.register(record) ??
        createAndClaim(execution.store, record, remove => this.#context.retries.add(record.executionId, remove)))
      if (existing !== undefined) {
        this.#context.running.remove(hosted)
        return await this.#attach(existing, claimant)
      }
      this.#context.observers.observe(record, loop, workflow.name, { begun })
      if (this.#context.cluster !== undefined) hosted.share(lease, this.#context.options.isServer)
      this.#context.running.follow(hosted, loop)
      start(lease)
      if (request.plan !== undefined) this.#context.plans.begin(record, loop, request.plan)
      return hosted
    } catch (error) {
      this.#context.running.remove(hosted)
      hosted.disconnectPolicy.close()
      // A request that found it meanwhile waits for it.
      loop.onLogFailure(error)
      throw error
    }
  }

  /** @throws `IDEMPOTENCY_CONFLICT` */
  async #attach(existing: StoredExecution, claimant: Claimant): Promise<HostedExecution> {
    expectRepeat(claimant, existing)
    const hosted = await this.#context.find(existing.executionId)
    if (hosted !== undefined) return hosted
    throw new DagstreamError('STORE_FAILED', `The store has lost execution \`${existing.executionId}\``)
  }

  #expectOpen(): void {
    if (this.#isClosed) throw shuttingDown()
  }
}
