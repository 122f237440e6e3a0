import { afterTurn, isTurnSpent } from '../clock.ts'
import { DagstreamError } from '../errors.ts'
import { onAbort } from '../execute/abort-signals.ts'
import { parseRecorded } from '../execute/recorded-options.ts'
import type { ExecutionStore, StoredExecution } from '../store/execution-store.ts'
import type { ExecutionNotes } from '../stream/execution-notes.ts'
import type { Logger } from '../stream/logger.ts'
import { ToolRegistry } from '../tools/registry.ts'
import type { ToolShelf } from '../tools/tool-provider.ts'
import { askStore, isStoreFailure } from './ask-store.ts'
import { describeError } from './describe-error.ts'
import type { HostedExecution, Loss } from './hosted-execution.ts'
import { shuttingDown } from './problem.ts'
import type { StoreRetries } from './store-retries.ts'

/**
 * So often in a row an execution may be cut off, by the end of its process or a failure of its store; then it is parked, since
 * it may be why, and since its tools are called anew each time.
 */
const MAX_CRASHES = 3

/** For what is only ended: nothing of it is called. */
const NO_TOOLS = new ToolRegistry()

/** Where executions go on. */
export interface RecoveryHost {
  readonly store: ExecutionStore
  readonly tools: ToolShelf
  readonly logger: Logger
  readonly retries: StoreRetries
  readonly goOn: (
    stored: StoredExecution,
    tools: ToolRegistry,
    notes: ExecutionNotes,
    loss?: Loss,
  ) => Promise<HostedExecution>
  readonly isRunning: (executionId: string) => boolean
  /** Called whenever one more has gone on, or is not going to. */
  readonly onLess: () => void
}

/**
 * Takes up again, when a process starts, what those before it left unfinished: the oldest first, one after the other. The
 * tools of all are asked for at once, so that none waits for those of another. What the store fails here, then or later, it
 * takes up once that works again.
 *
 * Whoever asks for one of them meanwhile waits until it is known whether it goes on here.
 */
export class Recovery {
  readonly #host: RecoveryHost
  /** By id, those that it is their turn of, or will be, and those resumed by hand; never reject. */
  readonly #pending = new Map<string, Promise<void>>()
  readonly #parked = new Set<string>()
  readonly #listed: Promise<void>
  readonly #closing = new AbortController()
  #turn: Promise<unknown> = Promise.resolve()

  constructor(host: RecoveryHost) {
    this.#host = host
    this.#listed = this.#begin()
  }

  /** Executions of which it is not known yet whether they go on here. */
  get pendingCount(): number {
    return this.#pending.size
  }

  /** Executions that go on only by hand. */
  get parkedCount(): number {
    return this.#parked.size
  }

  /** Settles once it is known whether the execution goes on here. */
  async of(executionId: string): Promise<void> {
    await this.#listed
    await this.#pending.get(executionId)
  }

  /** One at a time for each execution. @returns rejects as `work` does */
  async resume<T>(executionId: string, work: () => Promise<T>): Promise<T> {
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
   * An execution goes on as soon as its tools are there.
   * @throws HttpProblem 503 once this is closed; what the store throws; what the provider of the tools throws
   */
  async takeUp(stored: StoredExecution, notes: ExecutionNotes): Promise<HostedExecution> {
    return this.#goOn(stored, notes.stop === undefined ? await this.#findTools(stored) : NO_TOOLS, notes)
  }

  /** It was cut off here: the store failed. To fail once more before anything came of it is not to be cut off again. */
  lost({ executionId, log: { head }, lossBefore }: HostedExecution): void {
    const hasGotOn = head > (lossBefore?.head ?? 0)
    const idleCount = hasGotOn || lossBefore === undefined ? 0 : lossBefore.idleCount + 1
    const countCrashes = ({ notes }: StoredExecution): number => (notes?.crashCount ?? 0) + (hasGotOn ? 1 : 0)
    this.#retryLater(executionId, countCrashes, { head, idleCount })
  }

  /** Begins with no further one, and waits for no tools any more. */
  close(): void {
    this.#closing.abort()
  }

  async #begin(): Promise<void> {
    const { store, logger } = this.#host
    try {
      const found = (await askStore(() => store.interrupted?.())) ?? []
      for (const stored of found) {
        const { executionId, notes } = stored
        if (notes?.parked) this.#parked.add(executionId)
        else this.#await(executionId, this.#recoverFirst(stored))
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

  /** What an earlier process left. Never rejects. */
  async #recoverFirst(stored: StoredExecution): Promise<void> {
    const { executionId, notes } = stored
    const crashCount = (notes?.crashCount ?? 0) + (notes?.left ? 0 : 1)
    try {
      await this.#recover(stored, crashCount)
    } catch (error) {
      this.#host.logger.warn('An execution could not be resumed', { executionId, error: describeError(error) })
      if (isStoreFailure(error)) this.#retryLater(executionId, () => crashCount)
    }
  }

  #retryLater(executionId: string, countCrashes: (stored: StoredExecution) => number, loss?: Loss): void {
    const { store, retries, isRunning, logger } = this.#host
    // Counted once: each try leaves its own note of it.
    let crashCount: number | undefined
    const retry = async (): Promise<void> => {
      // By hand, meanwhile.
      if (isRunning(executionId)) return
      try {
        const stored = await askStore(() => store.get(executionId))
        if (stored?.status !== 'running' || stored.notes?.parked) return
        crashCount ??= countCrashes(stored)
        await this.#recover(stored, crashCount, loss)
      } catch (error) {
        if (isStoreFailure(error)) throw error
        // For the next process, or by hand.
        logger.warn('An execution could not be resumed', { executionId, error: describeError(error) })
      }
    }
    retries.add(executionId, () => this.resume(executionId, retry), loss?.idleCount)
  }

  /** It goes on, or is parked. @throws what the store throws; what the provider of its tools throws */
  async #recover(stored: StoredExecution, crashCount: number, loss?: Loss): Promise<void> {
    const { executionId } = stored
    const { logger } = this.#host
    if (crashCount >= MAX_CRASHES) {
      const message = `It was cut off ${crashCount} times in a row, by the end of its process or a failure of its store: resume it by hand`
      return this.#park(stored, { code: 'CRASH_LIMIT', message }, crashCount)
    }
    let tools: ToolRegistry
    try {
      tools = await this.#findTools(stored)
    } catch (error) {
      // They may be there later; anything else may not.
      if (!(error instanceof DagstreamError) || error.code !== 'TOOLS_UNAVAILABLE') throw error
      logger.warn('An execution could not be resumed', { executionId, error: describeError(error) })
      const message = 'Tools of the execution could not be had when it was to be resumed: resume it by hand'
      return this.#park(stored, { code: error.code, message }, stored.notes?.crashCount ?? 0)
    }
    await this.#inTurn(() => {
      const whose = loss === undefined ? 'its process left' : 'was lost'
      logger.warn(`Resuming an execution that ${whose}`, { executionId, crashCount })
      return this.#goOn(stored, tools, { crashCount }, loss)
    })
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const working = this.#turn.then(work)
    this.#turn = working.catch(() => {})
    return working
  }

  async #goOn(...found: Parameters<RecoveryHost['goOn']>): Promise<HostedExecution> {
    if (this.#closing.signal.aborted) throw shuttingDown()
    const hosted = await this.#host.goOn(...found)
    this.#parked.delete(hosted.executionId)
    return hosted
  }

  /** There is no time limit on a provider but its own: nobody waits for it longer than this is open. */
  #findTools({ workflow = 'null' }: StoredExecution): Promise<ToolRegistry> {
    const { signal } = this.#closing
    return new Promise((resolve, reject) => {
      const stop = onAbort(signal, () => reject(shuttingDown()))
      Promise.resolve(this.#host.tools.toolsFor(parseRecorded('workflow', workflow)))
        .then(resolve, reject)
        .finally(stop)
    })
  }

  async #park(
    { executionId }: StoredExecution,
    parked: NonNullable<ExecutionNotes['parked']>,
    crashCount: number,
  ): Promise<void> {
    const { store, logger } = this.#host
    logger.warn('An execution is parked', { executionId, ...parked })
    await askStore(async () => store.note(await store.claim(executionId), { parked, crashCount }))
    this.#parked.add(executionId)
  }
}
