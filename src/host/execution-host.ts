import { DagstreamError } from '../errors.ts'
import type { Reason, Stop } from '../events/events.ts'
import { createLoop } from '../engine/launch.ts'
import { readOptions } from '../engine/recorded-options.ts'
import type { ExecutionLoop } from '../engine/execution-loop.ts'
import type { ExecutionRecord, StoredExecution } from '../store/execution-store.ts'
import type { ToolRegistry } from '../tools/registry.ts'
import { askStore } from './storage/call-store.ts'
import { Attendance } from './subscribers/subscriber-registry.ts'
import { type Claimant, type ExecutionRequest, expectRepeat, isRepeat } from '../http/body/execution-request.ts'
import type { ResolvedHandlerOptions } from '../http/options/handler-options.ts'
import { HostedExecution, type Loss } from './execution/hosted-execution.ts'
import { KeptExecutions } from './execution/execution-archive.ts'
import { Lessening } from './drain-waiter.ts'
import { meterStore } from './observers/metered-store.ts'
import { Meters } from './observers/meters.ts'
import { Preparation } from './pending-start.ts'
import { conflict, shuttingDown, tryLater } from '../http/answers/problem.ts'
import { Recovery } from './recovery/recovery.ts'
import type { RecoveryHost } from './recovery/recovery-context.ts'
import { register } from './storage/create-and-claim.ts'
import { RunningExecutions } from './execution/running-executions.ts'
import { StoreRetries } from './storage/store-retries.ts'

/** How long readers may take, once everything has ended, to take what is left, ms. */
const FLUSH_MS = 2000

/** The executions of one handler: those that run here, and through the store those that have ended. */
export class ExecutionHost {
  readonly kept: KeptExecutions
  readonly attendance: Attendance
  readonly meters: Meters = new Meters()
  /** Of what processes before this one left; `undefined` for a store that does not outlive its process. */
  readonly recovery: Recovery | undefined
  /** Those that are being registered too. */
  readonly running: RunningExecutions
  readonly #less: Lessening
  /** Of lost executions, and of those that were refused and that the store has still. */
  readonly #retries: StoreRetries
  readonly #options: ResolvedHandlerOptions
  /** Those whose tools are waited for: they have their place among those that run. */
  readonly #preparing = new Set<Preparation>()
  #closed: Promise<void> | undefined
  /** What still runs ends with it. */
  #shutdown: Reason | undefined

  constructor(options: ResolvedHandlerOptions) {
    const { tools, maxSubscribers, execution } = options
    const { clock, logger } = execution
    const store = meterStore(execution.store, this.meters, clock)
    this.#options = { ...options, execution: { ...execution, store } }
    this.kept = new KeptExecutions(store, clock)
    this.#less = new Lessening(clock)
    const onLess = (): void => this.#less.notify()
    this.attendance = new Attendance(maxSubscribers, clock, onLess)
    const onEnded = (hosted: HostedExecution): void => this.kept.hold(hosted)
    const onLost = (hosted: HostedExecution): void => this.recovery?.lost(hosted)
    this.running = new RunningExecutions({ meters: this.meters, logger, onEnded, onLost, onLess })
    this.#retries = new StoreRetries(clock, logger)
    if (store.interrupted === undefined) return
    const adopt: RecoveryHost['adopt'] = (...resumed) => this.#adopt(...resumed)
    const context = { options: this.#options.execution, counters: this.meters.counters }
    const { running } = this
    this.recovery = new Recovery({
      adopt,
      context,
      store,
      tools,
      logger,
      clock,
      retries: this.#retries,
      running,
      onLess,
    })
  }

  get isClosing(): boolean {
    return this.#closed !== undefined
  }

  /**
   * Starts what was asked for, or finds what the same claimant asked for before under the same key.
   *
   * A client that leaves while its tools are waited for gives its place back, and nothing begins unless a repeat waits too;
   * unless the execution is to go on without anybody.
   * @param signal read only where something is waited for; aborts when the client has left
   * @throws `INVALID_WORKFLOW`; HttpProblem 409, 429 or 503; what the store throws; what the provider of the tools throws
   */
  async start(request: ExecutionRequest, claimant: Claimant, signal: () => AbortSignal): Promise<HostedExecution> {
    const { graceMs, tools } = this.#options
    const known = await this.#findKnown(claimant)
    if (known !== undefined) return this.#attach(known, claimant)
    this.#expectOpen()
    const mayLeave = (request.graceMs ?? graceMs) !== Number.POSITIVE_INFINITY
    const first = [...this.#preparing].find(each => isRepeat(each.claimant, claimant))
    if (first !== undefined) {
      expectRepeat(claimant, first.claimant)
      return first.join(mayLeave ? signal() : undefined)
    }
    if (!this.running.isStarting(claimant)) this.#expectRoom()
    const found = tools.toolsFor(request.workflow)
    if (!(found instanceof Promise)) return this.#begin(request, claimant, found)
    const preparation = new Preparation(claimant, found, {
      begin: registry => this.#begin(request, claimant, registry),
      onOver: () => this.#preparing.delete(preparation),
    })
    this.#preparing.add(preparation)
    return preparation.join(mayLeave ? signal() : undefined)
  }

  async #begin(request: ExecutionRequest, claimant: Claimant, tools: ToolRegistry): Promise<HostedExecution> {
    this.#expectOpen()
    const { execution, graceMs } = this.#options
    const options = { ...execution, ...request.options }
    const { loop, describe } = createLoop(request.workflow, tools, request.input, options, this.meters.counters)
    const grace = request.graceMs ?? graceMs
    const record = { ...describe({ graceMs: grace, workflow: request.workflowJson }), ...claimant }
    const hosted = HostedExecution.live(record, loop, grace, execution.clock)
    // Before the store is asked, so that whoever finds it there finds it here.
    this.running.add(hosted)
    try {
      const { lease, existing } = await register(execution.store, record, this.#retries)
      if (existing !== undefined) {
        this.running.remove(hosted)
        return await this.#attach(existing, claimant)
      }
      this.running.follow(hosted, loop)
      loop.start(lease)
      return hosted
    } catch (error) {
      this.running.remove(hosted)
      hosted.audience.close()
      // Whoever has found it meanwhile waits for it.
      loop.onLogFailure(error)
      throw error
    }
  }

  /** What is known of one before its log is looked at; `undefined` if there is none. */
  async findRecord(executionId: string): Promise<ExecutionRecord | undefined> {
    return this.running.get(executionId)?.record ?? this.kept.findRecord(executionId)
  }

  /**
   * Goes on with one that a process before this one left, or that was lost here; harmless for one that runs here.
   * @param stop ends it instead
   * @throws HttpProblem 409 for one that has ended, 429 or 503; what the store throws; what the provider of the tools throws
   */
  async resume(executionId: string, stop?: Stop): Promise<HostedExecution> {
    const resume = async (): Promise<HostedExecution> => {
      const running = this.running.get(executionId)
      // It may have been taken up meanwhile.
      if (stop?.reason !== undefined) await running?.cancel(stop.reason)
      if (running !== undefined) return running
      if (this.recovery === undefined) throw conflict('The execution does not run in this process', 'INTERRUPTED')
      // Before anything is waited for: from then on it has a place of its own.
      if (stop === undefined) this.#expectRoom()
      const stored = await this.kept.findRecord(executionId)
      if (stored?.status !== 'running') {
        // To cancel it once more is harmless.
        const ended = stop && (await this.kept.find(executionId))
        if (ended !== undefined) return ended
        throw conflict('The execution has ended', 'EXECUTION_ENDED')
      }
      return this.recovery.resume(stored, stop)
    }
    return this.recovery?.alone(executionId, resume) ?? resume()
  }

  /** One that runs here, or its log as the store has it; `undefined` where it is gone meanwhile. */
  async find(executionId: string): Promise<HostedExecution | undefined> {
    await this.recovery?.of(executionId)
    return this.running.get(executionId) ?? this.kept.find(executionId)
  }

  /** Starts nothing more, lets what runs go on for the drain time, leaves or cancels the rest, and waits for readers to take the end. */
  close(): Promise<void> {
    return (this.#closed ??= this.#drain())
  }

  async #drain(): Promise<void> {
    const { drainMs, execution } = this.#options
    const isIdle = (): boolean => this.running.size + (this.recovery?.pendingCount ?? 0) === 0
    this.recovery?.close()
    this.#retries.close()
    for (const preparation of this.#preparing) preparation.refuse(shuttingDown())
    for (const { audience } of this.running.all()) audience.close()
    await this.#less.within(drainMs, isIdle)
    this.#shutdown = { code: 'SHUTDOWN', message: 'The server is shutting down' }
    for (const hosted of this.running.all()) this.#endAtShutdown(hosted)
    // Tools that ignore their abort are abandoned after the grace.
    await this.#less.within(execution.abortGraceMs + FLUSH_MS, isIdle)
    await this.#less.within(FLUSH_MS, () => this.attendance.isEmpty)
  }

  /** What may go on in the next process is left to that. */
  #endAtShutdown(hosted: HostedExecution): void {
    if (this.#shutdown === undefined) return
    if (this.recovery !== undefined && readOptions(hosted.record.options).onCrash !== 'fail') hosted.handOff()
    // Whether it can be recorded shows at its end.
    else void hosted.cancel(this.#shutdown).catch(() => {})
  }

  /** One that was resumed: its readers find it here from now on. */
  #adopt(stored: StoredExecution, loop: ExecutionLoop, loss?: Loss): HostedExecution {
    const { clock } = this.#options.execution
    const { graceMs = Number.POSITIVE_INFINITY } = readOptions(stored.options)
    const { status: _, notes: __, parked: ___, isStopping: ____, ...record } = stored
    const hosted = HostedExecution.live(record, loop, graceMs, clock, loss)
    this.#retries.remove(stored.executionId)
    this.running.add(hosted)
    this.meters.resumedCount += 1
    this.running.follow(hosted, loop)
    // Nobody follows it yet: the grace begins anew.
    if (this.isClosing) hosted.audience.close()
    else hosted.audience.watch()
    this.#endAtShutdown(hosted)
    return hosted
  }

  #expectRoom(): void {
    const { maxExecutions } = this.#options
    if (this.running.size + this.#preparing.size + (this.recovery?.pendingCount ?? 0) < maxExecutions) return
    throw tryLater(429, `There are ${maxExecutions} executions running already`, 'TOO_MANY_EXECUTIONS')
  }

  /** @throws HttpProblem 409 for another request under the same key */
  async #attach(existing: StoredExecution, claimant: Claimant): Promise<HostedExecution> {
    expectRepeat(claimant, existing)
    const hosted = await this.find(existing.executionId)
    if (hosted !== undefined) return hosted
    throw new DagstreamError('STORE_FAILED', `The store has lost execution \`${existing.executionId}\``)
  }

  #expectOpen(): void {
    if (this.isClosing) throw shuttingDown()
  }

  /** Asked first: a repeat starts nothing, whatever else speaks against a start. */
  async #findKnown({ owner, idempotencyKey }: Claimant): Promise<StoredExecution | undefined> {
    if (idempotencyKey === undefined) return undefined
    const find = (): Promise<StoredExecution | undefined> =>
      askStore(() => this.#options.execution.store.findByKey?.(owner, idempotencyKey))
    const known = await find()
    if (known === undefined || !this.#retries.has(known.executionId)) return known
    // What was lost goes on for it; what was refused makes room for it.
    await this.#retries.now(known.executionId)
    return find()
  }
}
