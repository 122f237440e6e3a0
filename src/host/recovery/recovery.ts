import { afterTurn, isTurnSpent } from '../../clock.ts'
import { DagstreamError } from '../../errors.ts'
import { onAbort } from '../../abort-signals.ts'
import type { ExecutionLoop } from '../../engine/execution-loop.ts'
import { recoverLoop, resumeLoop } from '../../engine/resume.ts'
import type { Stop } from '../../events/events.ts'
import type { StoredExecution } from '../../store/execution-store.ts'
import { ToolRegistry } from '../../tools/registry.ts'
import { askStore, isStoreFailure } from '../storage/call-store.ts'
import { describeError } from '../../log/describe-error.ts'
import type { HostedExecution, Loss } from '../execution/hosted-execution.ts'
import { isRecordUnusable, readLeft, recordUnusable } from './recoverable-record.ts'
import { ParkedExecutions } from './quarantine.ts'
import { shuttingDown } from '../../http/answers/problem.ts'
import type { RecoveryHost } from './recovery-context.ts'

/** For what is only ended: nothing of it is called. */
const NO_TOOLS = new ToolRegistry()

/**
 * Takes up again, when a process starts, what those before it left unfinished: the oldest first, one after the other. The
 * tools of all are asked for at once, so that none waits for those of another. What the store fails here, then or later, it
 * takes up once that works again.
 *
 * Whoever asks for one of them meanwhile waits until it is known whether it goes on here.
 */
export class Recovery {
  readonly parked: ParkedExecutions
  readonly #host: RecoveryHost
  /** By id, those that it is their turn of, or will be, and those resumed by hand; never reject. */
  readonly #pending = new Map<string, Promise<void>>()
  readonly #listed: Promise<void>
  readonly #closing = new AbortController()
  #turn: Promise<unknown> = Promise.resolve()

  constructor(host: RecoveryHost) {
    this.#host = host
    this.parked = new ParkedExecutions(host.store, host.logger, host.clock)
    this.#listed = this.#begin()
  }

  /** Executions of which it is not known yet whether they go on here. */
  get pendingCount(): number {
    return this.#pending.size
  }

  /** Settles once it is known whether the execution goes on here. */
  async of(executionId: string): Promise<void> {
    await this.#listed
    await this.#pending.get(executionId)
  }

  /** One at a time for each execution. @returns rejects as `work` does */
  async alone<T>(executionId: string, work: () => Promise<T>): Promise<T> {
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
   * @throws HttpProblem 409 for a record that cannot be used, 503 once this is closed; what the store throws; what the
   *   provider of the tools throws
   */
  async resume(stored: StoredExecution, stop?: Stop): Promise<HostedExecution> {
    const { workflow, isStopping } = readLeft(stored)
    const tools = isStopping || stop !== undefined ? NO_TOOLS : await this.#findTools(workflow)
    const { store, context, running, adopt } = this.#host
    // A store that answers later may have listed one that was being registered here.
    return this.#guardResume(async () => {
      const resume = (): Promise<ExecutionLoop> => resumeLoop(stored, store, { ...context, tools, stop })
      return running.get(stored.executionId) ?? adopt(stored, await askStore(resume))
    })
  }

  /** It was cut off here: the store failed. It is tried again, the later the less it gets done in between. */
  lost({ executionId, log: { head }, lossBefore }: HostedExecution): void {
    const hasProgressed = head > (lossBefore?.head ?? 0)
    const idleCount = hasProgressed || lossBefore === undefined ? 0 : lossBefore.idleCount + 1
    this.#retryLater(executionId, { head, idleCount })
  }

  /** Begins with no further one, and waits for no tools any more. */
  close(): void {
    this.#closing.abort()
  }

  async #begin(): Promise<void> {
    const { store, logger } = this.#host
    try {
      const found = (await askStore(() => store.interrupted?.())) ?? []
      for (const { executionId, parked } of found) {
        if (parked !== undefined) this.parked.add(executionId)
        else this.#await(executionId, this.#recoverFirst(executionId))
        if (isTurnSpent()) await new Promise<void>(afterTurn)
      }
    } catch (error) {
      logger.warn('What earlier processes left could not be found', { error: describeError(error) })
    }
  }

  #await(executionId: string, settled: Promise<void>): void {
    const over = settled.then(() => {
      this.#pending.delete(executionId)
      this.#host.onLess()
    })
    this.#pending.set(executionId, over)
  }

  /** One that an earlier process left. Never rejects. */
  async #recoverFirst(executionId: string): Promise<void> {
    try {
      await this.#recover(executionId)
    } catch (error) {
      this.#host.logger.warn('An execution could not be resumed', { executionId, error: describeError(error) })
      if (isStoreFailure(error)) this.#retryLater(executionId)
    }
  }

  #retryLater(executionId: string, loss?: Loss): void {
    const { retries, running, logger } = this.#host
    const retry = async (): Promise<void> => {
      // By hand, meanwhile.
      if (running.get(executionId) !== undefined) return
      try {
        await this.#recover(executionId, loss)
      } catch (error) {
        if (isStoreFailure(error)) throw error
        // For the next process, or by hand.
        logger.warn('An execution could not be resumed', { executionId, error: describeError(error) })
      }
    }
    retries.add(executionId, () => this.alone(executionId, retry), loss?.idleCount)
  }

  /** Resumes an execution, or parks it, unless it has ended. @throws what the store and the provider of its tools throw */
  async #recover(executionId: string, loss?: Loss): Promise<void> {
    const { logger } = this.#host
    try {
      const tools = await this.#prepare(executionId)
      if (tools === undefined) return
      await this.#inTurn(async () => {
        // Read again, and not kept meanwhile: many may wait, and their requests may be large.
        const stored = await this.#findLeft(executionId)
        if (stored === undefined) return
        const whose = loss === undefined ? 'its process left' : 'was lost'
        logger.warn(`Resuming an execution that ${whose}`, { executionId })
        await this.#guardResume(async () => {
          const { store, context, running, adopt } = this.#host
          const here = running.get(executionId)
          if (here !== undefined) return here
          const recovered = await askStore(() => recoverLoop(stored, store, { ...context, tools }))
          if ('loop' in recovered) return adopt(stored, recovered.loop, loss)
          this.parked.parkedNow(executionId, recovered.parked)
          return undefined
        })
      })
    } catch (error) {
      if (!isRecordUnusable(error)) throw error
      await this.parked.park(executionId, { code: 'RECORD_UNUSABLE', message: error.message, tasks: [] })
    }
  }

  /** @returns its tools once they are there; `undefined` where it is not resumed @throws HttpProblem for a record that cannot be used */
  async #prepare(executionId: string): Promise<ToolRegistry | undefined> {
    const stored = await this.#findLeft(executionId)
    if (stored === undefined) return undefined
    const { workflow, isStopping } = readLeft(stored)
    if (isStopping) return NO_TOOLS
    try {
      return await this.#findTools(workflow)
    } catch (error) {
      // They may be there later; anything else may not.
      if (!(error instanceof DagstreamError) || error.code !== 'TOOLS_UNAVAILABLE') throw error
      this.#host.logger.warn('An execution could not be resumed', { executionId, error: describeError(error) })
      const message = 'Tools of the execution could not be had when it was to be resumed: resume it by hand'
      await this.parked.park(executionId, { code: error.code, message, tasks: [] })
      return undefined
    }
  }

  /** What is to go on by itself, whole. */
  async #findLeft(executionId: string): Promise<StoredExecution | undefined> {
    const stored = await askStore(() => this.#host.store.get(executionId))
    return stored?.status === 'running' && stored.parked === undefined ? stored : undefined
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const working = this.#turn.then(work)
    this.#turn = working.catch(() => {})
    return working
  }

  async #guardResume<T extends HostedExecution | undefined>(resume: () => Promise<T>): Promise<T> {
    if (this.#closing.signal.aborted) throw shuttingDown()
    try {
      const hosted = await resume()
      if (hosted !== undefined) this.parked.remove(hosted.executionId)
      return hosted
    } catch (error) {
      const isInvalid = error instanceof DagstreamError && error.code === 'INVALID_WORKFLOW'
      throw isInvalid
        ? recordUnusable('The `workflow` that the store has of an execution does not pass its checks')
        : error
    }
  }

  /** There is no time limit on a provider but its own: nobody waits for it longer than this is open. */
  #findTools(workflow: unknown): Promise<ToolRegistry> {
    const { signal } = this.#closing
    return new Promise((resolve, reject) => {
      const stop = onAbort(signal, () => reject(shuttingDown()))
      Promise.resolve(this.#host.tools.toolsFor(workflow)).then(resolve, reject).finally(stop)
    })
  }
}
