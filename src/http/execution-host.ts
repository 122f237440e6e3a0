import { DagstreamError } from '../errors.ts'
import type { MutableCounters } from '../execute/counters.ts'
import type { ExecutionLoop } from '../execute/execution-loop.ts'
import { createLoop } from '../execute/launch.ts'
import type { ExecutionRecord, StoredExecution } from '../store/execution-store.ts'
import type { ToolRegistry } from '../tools/registry.ts'
import { askStore } from './ask-store.ts'
import { describeError } from './describe-error.ts'
import { type Claimant, type ExecutionRequest, expectRepeat, isRepeat } from './execution-request.ts'
import type { ResolvedHandlerOptions } from './handler-options.ts'
import { HostedExecution } from './hosted-execution.ts'
import { KeptExecutions } from './kept-executions.ts'
import { Preparation } from './preparation.ts'
import { shuttingDown, tryLater } from './problem.ts'

/** How long readers may take, once everything has ended, to take what is left, ms. */
const FLUSH_MS = 2000

/** How many executions ended in which way since the handler was made; lost: their log could not be kept. */
export type EndCounts = Record<'success' | 'partial' | 'error' | 'cancelled' | 'lost', number>

/** The executions of one handler: those that run here, and through the store those that have ended. */
export class ExecutionHost {
  readonly kept: KeptExecutions
  readonly counters: MutableCounters = { abandonedCount: 0, droppedEmissionCount: 0 }
  readonly endCounts: EndCounts = { success: 0, partial: 0, error: 0, cancelled: 0, lost: 0 }
  readonly #options: ResolvedHandlerOptions
  /** Registered, or about to be; by id. */
  readonly #running = new Map<string, HostedExecution>()
  /** Those whose tools are waited for: they have their place among those that run. */
  readonly #preparing = new Set<Preparation>()
  #subscriberCount = 0
  /** Answers in several chunks that are being sent, beside event streams. */
  readonly #answers = new Set<object>()
  #onLess: (() => void) | undefined
  #closed: Promise<void> | undefined

  constructor(options: ResolvedHandlerOptions) {
    this.#options = options
    const { store, clock } = options.execution
    this.kept = new KeptExecutions(store, clock)
  }

  get runningCount(): number {
    return this.#running.size
  }

  get subscriberCount(): number {
    return this.#subscriberCount
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
    const { maxExecutions, graceMs, tools } = this.#options
    const known = await this.#findKnown(claimant)
    if (known !== undefined) return this.#attach(known, claimant)
    this.#expectOpen()
    const mayLeave = (request.graceMs ?? graceMs) !== Number.POSITIVE_INFINITY
    const first = [...this.#preparing].find(each => isRepeat(each.claimant, claimant))
    if (first !== undefined) {
      expectRepeat(claimant, first.claimant)
      return first.join(mayLeave ? signal() : undefined)
    }
    if (this.#running.size + this.#preparing.size >= maxExecutions && !this.#isStarting(claimant)) {
      throw tryLater(429, `There are ${maxExecutions} executions running already`, 'TOO_MANY_EXECUTIONS')
    }
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
    const loop = createLoop(request.workflow, tools, request.input, options, this.counters)
    const { executionId, createdAt } = loop
    const record = { executionId, createdAt, workflow: request.workflowJson, ...claimant }
    const hosted = HostedExecution.live(record, loop, request.graceMs ?? graceMs, execution.clock)
    // Before the store is asked, so that whoever finds it there finds it here.
    this.#running.set(executionId, hosted)
    try {
      const existing = await this.#register(record, loop)
      if (existing === undefined) return hosted
      this.#forget(executionId)
      return await this.#attach(existing, claimant)
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

  /** One that runs here, or its log as the store has it; `undefined` where it is gone meanwhile. */
  async find(executionId: string): Promise<HostedExecution | undefined> {
    return this.#running.get(executionId) ?? this.kept.find(executionId)
  }

  /** Counts a reader, before there is anything to read. @returns its leaving; harmless to repeat. @throws HttpProblem 429 */
  admit(): () => void {
    const { maxSubscribers } = this.#options
    if (this.#subscriberCount >= maxSubscribers) {
      throw tryLater(429, `There are ${maxSubscribers} event streams open already`, 'TOO_MANY_SUBSCRIBERS')
    }
    this.#subscriberCount += 1
    let hasLeft = false
    return () => {
      if (hasLeft) return
      hasLeft = true
      this.#subscriberCount -= 1
      this.#onLess?.()
    }
  }

  /** A reader follows. @returns its leaving; harmless to repeat. @throws HttpProblem 429 where it is not admitted */
  join(hosted: HostedExecution, dismiss: () => void = this.admit()): () => void {
    const leave = hosted.audience.join()
    return () => {
      leave()
      dismiss()
    }
  }

  /** Counts an answer that is being sent. @returns what ends it; harmless to repeat */
  attend(): () => void {
    const answer = {}
    this.#answers.add(answer)
    return () => {
      if (this.#answers.delete(answer)) this.#onLess?.()
    }
  }

  /** Starts nothing more, lets what runs go on for the drain time, cancels the rest, and waits for readers to take the end. */
  close(): Promise<void> {
    return (this.#closed ??= this.#drain())
  }

  async #drain(): Promise<void> {
    const { drainMs, execution } = this.#options
    for (const preparation of this.#preparing) preparation.refuse(shuttingDown())
    for (const { audience } of this.#running.values()) audience.close()
    await this.#within(drainMs, () => this.#running.size === 0)
    for (const hosted of this.#running.values()) {
      hosted.cancel({ code: 'SHUTDOWN', message: 'The server is shutting down' })
    }
    // Tools that ignore their abort are abandoned after the grace.
    await this.#within(execution.abortGraceMs + FLUSH_MS, () => this.#running.size === 0)
    await this.#within(FLUSH_MS, () => this.#subscriberCount + this.#answers.size === 0)
  }

  /** Settles as soon as it `isDone`, which only an ending or a leaving changes, or after `ms`. */
  #within(ms: number, isDone: () => boolean): Promise<void> {
    if (isDone()) return Promise.resolve()
    return new Promise(resolve => {
      const settle = (): void => {
        stop()
        this.#onLess = undefined
        resolve()
      }
      const stop = this.#options.execution.clock.after(ms, settle)
      this.#onLess = () => {
        if (isDone()) settle()
      }
    })
  }

  /** @returns the one that has the key already: then nothing has started */
  async #register(record: ExecutionRecord, loop: ExecutionLoop): Promise<StoredExecution | undefined> {
    const { store } = this.#options.execution
    const existing = await askStore(() => store.create(record))
    if (existing !== undefined) return existing
    const lease = await askStore(() => store.claim(record.executionId)).catch(async (error: unknown) => {
      // Or its key would stand for ever for something that never ran.
      await askStore(() => store.delete(record.executionId)).catch(() => {})
      throw error
    })
    loop.ended.then(
      () => this.#ended(record.executionId),
      (error: unknown) => this.#ended(record.executionId, error),
    )
    loop.start(lease, undefined)
    return undefined
  }

  #ended(executionId: string, error?: unknown): void {
    const hosted = this.#running.get(executionId) as HostedExecution
    hosted.audience.close()
    const { status } = hosted
    if (status !== 'running') {
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
    this.#onLess?.()
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
