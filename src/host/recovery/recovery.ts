import { afterTurn, isTurnSpent } from '../../clock.ts'
import { DagstreamError, isRecordUnusable } from '../../errors.ts'
import { recoverLoop, resumeLoop, type ResumeContext } from '../../engine/resume/resume.ts'
import type { Stop } from '../../events/events.ts'
import { describeError } from '../../log/describe-error.ts'
import type { Lease } from '../../log/event-log.ts'
import type { StoredExecution } from '../../store/execution-store.ts'
import { describeUnusable } from '../../store/unfinished-status.ts'
import type { ToolRegistry } from '../../tools/registry.ts'
import { shuttingDown } from '../errors/host-errors.ts'
import type { HostedExecution } from '../execution/hosted-execution.ts'
import type { StoreFailure } from '../execution/hosted-parts.ts'
import { callStore, isStoreFailure } from '../../store/call-store.ts'
import { Quarantine } from './quarantine.ts'
import { parseRecord } from '../storage/recoverable-record.ts'
import type { LoopOrigin, RecoveryContext } from './recovery-context.ts'
import { ToolLookup } from './tool-lookup.ts'

/**
 * Resumes the executions that earlier processes left unfinished, the oldest first, one after the other. Their tools are requested
 * at once, so that no execution waits for the tools of another. An execution that the store fails is resumed once the store
 * works again.
 *
 * A request for one of them waits until the decision whether it resumes here.
 */
export class Recovery {
  readonly quarantine: Quarantine
  readonly #context: RecoveryContext
  /** By id: executions that wait for their decision, and executions that are resumed by hand. The promises never reject. */
  readonly #pending = new Map<string, Promise<void>>()
  readonly #listed: Promise<void>
  readonly #closing = new AbortController()
  readonly #tools: ToolLookup
  #turn: Promise<unknown> = Promise.resolve()

  /** @param isAutomatic `false`: it resumes only by hand */
  constructor(context: RecoveryContext, isAutomatic: boolean) {
    this.#context = context
    this.quarantine = new Quarantine(context)
    this.#tools = new ToolLookup(context, this.#closing.signal)
    this.#listed = isAutomatic ? this.#begin() : Promise.resolve()
  }

  /** Number of executions without a decision whether they resume here. */
  get pendingCount(): number {
    return this.#pending.size
  }

  /** Settles with the decision whether the execution resumes here. */
  async whenDecided(executionId: string): Promise<void> {
    await this.#listed
    await this.#pending.get(executionId)
  }

  /** Runs one piece of work at a time for each execution. @returns rejects as `work` does */
  async withExecutionLock<T>(executionId: string, work: () => Promise<T>): Promise<T> {
    await this.#listed
    while (this.#pending.has(executionId)) await this.#pending.get(executionId)
    const working = work()
    const settled = working.then(
      () => {},
      () => {},
    )
    this.#await(executionId, settled)
    return working
  }

  /**
   * Resumes an execution by hand, once its tools are there.
   * @param stop ends it instead
   * @throws `RECORD_UNUSABLE`; `SHUTTING_DOWN` once this is closed; the errors of the store and of the tool provider
   */
  async resume(stored: StoredExecution, stop?: Stop): Promise<HostedExecution> {
    const record = parseRecord(stored)
    const isStopping = record.isStopping || stop !== undefined
    const tools = await (isStopping ? this.#tools.findForEnd(stored, record) : this.#tools.find(stored))
    const { store, running, adopt, leases } = this.#context
    // A store that answers later may have listed an execution that was being registered here.
    return this.#guardResume(async () => {
      const here = running.get(stored.executionId)
      if (here !== undefined) return here
      const lease = await leases?.claim(stored.executionId)
      try {
        const context = { ...this.#describe(stored), tools, stop, lease }
        return adopt(stored, await callStore(() => resumeLoop(stored, store, context)), { lease })
      } catch (error) {
        if (lease !== undefined) void leases?.release(lease)
        throw error
      }
    })
  }

  /** Takes over an execution of a shared store that no living server coordinates. Never rejects. */
  async takeOver(lease: Lease): Promise<void> {
    const { executionId } = lease
    const { running, leases, logger } = this.#context
    await this.withExecutionLock(executionId, async () => {
      // This server has lost it, and has claimed it again before it noticed.
      const lost = running.get(executionId)
      lost?.leave(new DagstreamError('FENCED', 'This server has claimed the execution again'))
      await lost?.ended.catch(() => {})
      try {
        await this.#recover(executionId, { lease })
        if (running.get(executionId)?.lease !== lease) await leases?.release(lease)
      } catch (error) {
        logger.warn('An execution could not be taken over', { executionId, error: describeError(error) })
        leases?.releaseLater(lease)
      }
    })
  }

  /** Resumes an execution that the store failed here: the less progress between failures, the later. */
  retryAfterFailure({ executionId, log: { head }, lastStoreFailure }: HostedExecution): void {
    const hasProgressed = head > (lastStoreFailure?.head ?? 0)
    const stallCount = hasProgressed || lastStoreFailure === undefined ? 0 : lastStoreFailure.stallCount + 1
    this.#retryLater(executionId, { head, stallCount })
  }

  /** Resumes nothing more, and stops waiting for tools. */
  close(): void {
    this.#closing.abort()
  }

  async #begin(): Promise<void> {
    const { store, logger } = this.#context
    try {
      const found = (await callStore(() => store.interrupted?.())) ?? []
      for (const { executionId, parked } of found) {
        if (parked !== undefined) this.quarantine.add(executionId)
        else this.#await(executionId, this.#recoverFirst(executionId))
        if (isTurnSpent()) await new Promise<void>(afterTurn)
      }
    } catch (error) {
      logger.warn('Unfinished executions of earlier processes could not be listed', { error: describeError(error) })
    }
  }

  #await(executionId: string, settled: Promise<void>): void {
    const over = settled.then(() => {
      this.#pending.delete(executionId)
      this.#context.onRelease()
    })
    this.#pending.set(executionId, over)
  }

  /** Recovers an execution of an earlier process. Never rejects. */
  async #recoverFirst(executionId: string): Promise<void> {
    try {
      await this.#recover(executionId)
    } catch (error) {
      this.#context.logger.warn('An execution could not be resumed', { executionId, error: describeError(error) })
      if (isStoreFailure(error)) this.#retryLater(executionId)
    }
  }

  #retryLater(executionId: string, failure?: StoreFailure): void {
    const { retries, running, logger } = this.#context
    const retry = async (): Promise<void> => {
      // It was resumed by hand meanwhile.
      if (running.get(executionId) !== undefined) return
      try {
        await this.#recover(executionId, { failure })
      } catch (error) {
        if (isStoreFailure(error)) throw error
        // The next process may resume it, or a request.
        logger.warn('An execution could not be resumed', { executionId, error: describeError(error) })
      }
    }
    retries.add(executionId, () => this.withExecutionLock(executionId, retry), failure?.stallCount)
  }

  /** Resumes an execution, or parks it, unless it has ended. @throws the errors of the store and of its tool provider */
  async #recover(executionId: string, origin: LoopOrigin = {}): Promise<void> {
    try {
      const tools = await this.#prepare(executionId, origin)
      if (tools === undefined) return
      await this.#serialize(async () => {
        // Read again instead of kept: many executions may wait, and their records may be large.
        const stored = await this.#findRecoverable(executionId)
        if (stored !== undefined) await this.#recoverStored(stored, tools, origin)
      })
    } catch (error) {
      if (!isRecordUnusable(error)) throw error
      const stored = await this.#findRecoverable(executionId)
      if (stored !== undefined) await this.quarantine.park(stored, describeUnusable(error), origin.lease)
    }
  }

  async #recoverStored(stored: StoredExecution, tools: ToolRegistry, origin: LoopOrigin): Promise<void> {
    const { store, running, adopt, logger } = this.#context
    const { executionId } = stored
    const { failure, lease } = origin
    const whose = failure === undefined ? 'its process left' : 'was lost'
    logger.warn(`Resuming an execution that ${whose}`, { executionId })
    await this.#guardResume(async () => {
      const here = running.get(executionId)
      if (here !== undefined) return here
      const recovered = await callStore(() => recoverLoop(stored, store, { ...this.#describe(stored), tools, lease }))
      if ('loop' in recovered) return adopt(stored, recovered.loop, origin)
      this.quarantine.addParked(stored, recovered.parked, recovered.entry)
      return undefined
    })
  }

  /** The options of a resumed execution; its observers see its log from its first new entry on. */
  #describe(stored: StoredExecution): ResumeContext {
    const { resume, observers } = this.#context
    return { ...resume, onRestored: loop => observers.observeResumed(stored, loop) }
  }

  /** @returns its tools; `undefined` where it is not resumed @throws `RECORD_UNUSABLE`; the errors of the store and of its tool provider */
  async #prepare(executionId: string, { lease }: LoopOrigin): Promise<ToolRegistry | undefined> {
    const stored = await this.#findRecoverable(executionId)
    if (stored === undefined) return undefined
    const record = parseRecord(stored)
    if (record.isStopping) return this.#tools.findForEnd(stored, record)
    try {
      return await this.#tools.find(stored)
    } catch (error) {
      // They may be there later; time mends no other error.
      if (!(error instanceof DagstreamError) || error.code !== 'TOOLS_UNAVAILABLE') throw error
      this.#context.logger.warn('An execution could not be resumed', { executionId, error: describeError(error) })
      const message = 'Tools of the execution were unavailable at its resumption: resume it by hand'
      await this.quarantine.park(stored, { code: error.code, message, tasks: [] }, lease)
      return undefined
    }
  }

  /** The whole record of an execution that resumes by itself. */
  async #findRecoverable(executionId: string): Promise<StoredExecution | undefined> {
    const stored = await callStore(() => this.#context.store.get(executionId))
    return stored?.status === 'running' && stored.parked === undefined ? stored : undefined
  }

  #serialize<T>(work: () => Promise<T>): Promise<T> {
    const working = this.#turn.then(work)
    this.#turn = working.catch(() => {})
    return working
  }

  async #guardResume<T extends HostedExecution | undefined>(resume: () => Promise<T>): Promise<T> {
    if (this.#closing.signal.aborted) throw shuttingDown()
    const hosted = await resume()
    if (hosted !== undefined) this.quarantine.remove(hosted.executionId)
    return hosted
  }
}
