import { DagstreamError } from '../errors.ts'
import type { MutableCounters } from '../execute/counters.ts'
import type { ExecutionLoop } from '../execute/execution-loop.ts'
import { createLoop } from '../execute/launch.ts'
import { readOptions } from '../execute/recorded-options.ts'
import { resumeLoop } from '../execute/recovery.ts'
import type { ExecutionRecord, StoredExecution } from '../store/execution-store.ts'
import type { ExecutionNotes, Stop } from '../stream/execution-notes.ts'
import { ToolRegistry } from '../tools/registry.ts'
import { askStore } from './ask-store.ts'
import { Attendance } from './attendance.ts'
import { describeError } from './describe-error.ts'
import { type Claimant, type ExecutionRequest, expectRepeat, isRepeat } from './execution-request.ts'
import type { ResolvedHandlerOptions } from './handler-options.ts'
import { HostedExecution } from './hosted-execution.ts'
import { KeptExecutions } from './kept-executions.ts'
import { Lessening } from './lessening.ts'
import { Preparation } from './preparation.ts'
import { conflict, shuttingDown, tryLater } from './problem.ts'
import { Recovery } from './recovery.ts'
import { register } from './register.ts'

/** How long readers may take, once everything has ended, to take what is left, ms. */
const FLUSH_MS = 2000

/** For what is only ended: nothing of it is called. */
const NO_TOOLS = new ToolRegistry()

/** How many executions ended in which way since the handler was made; lost: their log could not be kept. */
export type EndCounts = Record<'success' | 'partial' | 'error' | 'cancelled' | 'lost', number>

/** The executions of one handler: those that run here, and through the store those that have ended. */
export class ExecutionHost {
  readonly kept: KeptExecutions
  readonly attendance: Attendance
  readonly #less: Lessening
  readonly counters: MutableCounters = { abandonedCount: 0, droppedEmissionCount: 0 }
  readonly endCounts: EndCounts = { success: 0, partial: 0, error: 0, cancelled: 0, lost: 0 }
  readonly #options: ResolvedHandlerOptions
  /** Registered, or about to be; by id. */
  readonly #running = new Map<string, HostedExecution>()
  /** Those whose tools are waited for: they have their place among those that run. */
  readonly #preparing = new Set<Preparation>()
  /** Of what processes before this one left. */
  readonly #recovery: Recovery | undefined
  #closed: Promise<void> | undefined

  constructor(options: ResolvedHandlerOptions) {
    this.#options = options
    const { store, clock } = options.execution
    this.kept = new KeptExecutions(store, clock)
    this.#less = new Lessening(clock)
    this.attendance = new Attendance(options.maxSubscribers, () => this.#less.notify())
    if (store.interrupted === undefined) return
    this.#recovery = new Recovery(store, options.execution.logger, (stored, notes) => this.#takeUp(stored, notes))
  }

  get runningCount(): number {
    return this.#running.size
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
    if (!this.#isStarting(claimant)) this.#expectRoom()
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
    const { loop, describe } = createLoop(request.workflow, tools, request.input, options, this.counters)
    const { executionId } = loop
    const grace = request.graceMs ?? graceMs
    const record = { ...describe({ graceMs: grace, workflow: request.workflowJson }), ...claimant }
    const hosted = HostedExecution.live(record, loop, grace, execution.clock)
    // Before the store is asked, so that whoever finds it there finds it here.
    this.#running.set(executionId, hosted)
    try {
      const { lease, existing } = await register(execution.store, record)
      if (existing !== undefined) {
        this.#forget(executionId)
        return await this.#attach(existing, claimant)
      }
      this.#follow(loop)
      loop.start(lease)
      return hosted
    } catch (error) {
      this.#forget(executionId)
      hosted.audience.close()
      // Whoever has found it meanwhile waits for it.
      loop.lost(error)
      throw error
    }
  }

  /** What is known of one before its log is looked at; `undefined` if there is none. */
  async findRecord(executionId: string): Promise<ExecutionRecord | undefined> {
    return this.#running.get(executionId)?.record ?? this.kept.findRecord(executionId)
  }

  /**
   * Goes on with one that a process before this one left, or that was lost here; harmless for one that runs here.
   * @param stop ends it instead
   * @throws HttpProblem 409 for one that has ended, 429 or 503; what the store throws; what the provider of the tools throws
   */
  async resume(executionId: string, stop?: Stop): Promise<HostedExecution> {
    const resume = async (): Promise<HostedExecution> => {
      const running = this.#running.get(executionId)
      // It may have been taken up meanwhile.
      if (stop?.reason !== undefined) await running?.cancel(stop.reason)
      if (running !== undefined) return running
      if (this.#recovery === undefined) throw conflict('The execution does not run in this process', 'INTERRUPTED')
      this.#expectOpen()
      if (stop === undefined) this.#expectRoom()
      const stored = await this.kept.findRecord(executionId)
      if (stored?.status !== 'running') throw conflict('The execution has ended', 'EXECUTION_ENDED')
      return this.#takeUp(stored, { crashCount: 0, ...(stop && { stop }) })
    }
    return this.#recovery?.resume(executionId, resume) ?? resume()
  }

  /** One that runs here, or its log as the store has it; `undefined` where it is gone meanwhile. */
  async find(executionId: string): Promise<HostedExecution | undefined> {
    await this.#recovery?.of(executionId)
    return this.#running.get(executionId) ?? this.kept.find(executionId)
  }

  /** A reader follows. @returns its leaving; harmless to repeat. @throws HttpProblem 429 where it is not admitted */
  join(hosted: HostedExecution, dismiss: () => void = this.attendance.admit()): () => void {
    const leave = hosted.audience.join()
    return () => {
      leave()
      dismiss()
    }
  }

  /** Starts nothing more, lets what runs go on for the drain time, cancels the rest, and waits for readers to take the end. */
  close(): Promise<void> {
    return (this.#closed ??= this.#drain())
  }

  async #drain(): Promise<void> {
    const { drainMs, execution } = this.#options
    await this.#recovery?.close()
    for (const preparation of this.#preparing) preparation.refuse(shuttingDown())
    for (const { audience } of this.#running.values()) audience.close()
    await this.#less.within(drainMs, () => this.#running.size === 0)
    const reason = { code: 'SHUTDOWN', message: 'The server is shutting down' } as const
    // What cannot be noted is lost, which is told.
    for (const hosted of this.#running.values()) void hosted.cancel(reason).catch(() => {})
    // Tools that ignore their abort are abandoned after the grace.
    await this.#less.within(execution.abortGraceMs + FLUSH_MS, () => this.#running.size === 0)
    await this.#less.within(FLUSH_MS, () => this.attendance.isEmpty)
  }

  /** Of what an earlier process left: its readers find it here from now on. */
  async #takeUp(stored: StoredExecution, notes: ExecutionNotes): Promise<HostedExecution> {
    const { execution, tools } = this.#options
    const { store, clock } = execution
    const { graceMs = Number.POSITIVE_INFINITY } = readOptions(stored.options)
    const found = notes.stop === undefined ? await tools.toolsFor(JSON.parse(stored.workflow ?? 'null')) : NO_TOOLS
    this.#expectOpen()
    const loop = await askStore(() => resumeLoop(stored, store, found, execution, this.counters, notes))
    const { status: _, notes: __, ...record } = stored
    const hosted = HostedExecution.live(record, loop, graceMs, clock)
    this.#running.set(record.executionId, hosted)
    this.#follow(loop)
    // Nobody does, yet: the grace begins anew.
    hosted.audience.watch()
    return hosted
  }

  #follow(loop: ExecutionLoop): void {
    const { executionId } = loop
    loop.ended.then(
      () => this.#ended(executionId),
      (error: unknown) => this.#ended(executionId, error),
    )
  }

  #expectRoom(): void {
    const { maxExecutions } = this.#options
    if (this.#running.size + this.#preparing.size < maxExecutions) return
    throw tryLater(429, `There are ${maxExecutions} executions running already`, 'TOO_MANY_EXECUTIONS')
  }

  #ended(executionId: string, error?: unknown): void {
    const hosted = this.#running.get(executionId) as HostedExecution
    hosted.audience.close()
    const { status } = hosted
    if (status !== 'running' && status !== 'parked') {
      this.endCounts[status] += 1
      this.kept.hold(hosted)
    } else {
      this.endCounts.lost += 1
      this.#options.execution.logger.warn('An execution was lost', { executionId, error: describeError(error) })
    }
    this.#forget(executionId)
  }

  #forget(executionId: string): void {
    this.#running.delete(executionId)
    this.#less.notify()
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

  /** Whether the same is being registered at this moment: the store will tell which of the two is first. */
  #isStarting(claimant: Claimant): boolean {
    return Array.from(this.#running.values()).some(({ record }) => isRepeat(record, claimant))
  }

  /** Asked first: a repeat starts nothing, whatever else speaks against a start. */
  async #findKnown({ owner, idempotencyKey }: Claimant): Promise<StoredExecution | undefined> {
    if (idempotencyKey === undefined) return undefined
    return askStore(() => this.#options.execution.store.findByKey?.(owner, idempotencyKey))
  }
}
