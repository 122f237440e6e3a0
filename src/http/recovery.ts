import { afterTurn, isTurnSpent } from '../clock.ts'
import { DagstreamError } from '../errors.ts'
import { onAbort } from '../abort-signals.ts'
import type { StoredExecution } from '../store/execution-store.ts'
import type { ExecutionNotes } from '../log/execution-notes.ts'
import { ToolRegistry } from '../tools/registry.ts'
import { askStore, isStoreFailure } from './ask-store.ts'
import { describeError } from './describe-error.ts'
import type { HostedExecution, Loss } from './hosted-execution.ts'
import { isRecordUnusable, readLeft, recordUnusable } from './left-request.ts'
import { ParkedExecutions } from './parked-executions.ts'
import { shuttingDown } from './problem.ts'
import type { RecoveryHost } from './recovery-host.ts'

/**
 * So often in a row an execution may be cut off, by the end of its process or a failure of its store; then it is parked, since
 * it may be why, and since its tools are called anew each time.
 */
const MAX_CRASHES = 3

/** For what is only ended: nothing of it is called. */
const NO_TOOLS = new ToolRegistry()

/** What an execution goes on with. */
interface Means {
  readonly tools: ToolRegistry
  readonly notes: ExecutionNotes
}

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
    this.parked = new ParkedExecutions(host.store, host.logger)
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
   * An execution goes on as soon as its tools are there.
   * @throws HttpProblem 409 for a record that cannot be used, 503 once this is closed; what the store throws; what the
   *   provider of the tools throws
   */
  async takeUp(stored: StoredExecution, notes: ExecutionNotes): Promise<HostedExecution> {
    const left = readLeft(stored)
    const stop = notes.stop ?? left.stop
    if (stop !== undefined) return this.#goOn(stored, NO_TOOLS, { ...notes, stop })
    return this.#goOn(stored, await this.#findTools(left.workflow), notes)
  }

  /** It was cut off here: the store failed. To fail once more before anything came of it is not to be cut off again. */
  lost({ executionId, log: { head }, lossBefore }: HostedExecution): void {
    const hasGotOn = head > (lossBefore?.head ?? 0)
    const idleCount = hasGotOn || lossBefore === undefined ? 0 : lossBefore.idleCount + 1
    const countCrashes = (notes?: ExecutionNotes): number => (notes?.crashCount ?? 0) + (hasGotOn ? 1 : 0)
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
      for (const { executionId, notes } of found) {
        if (notes?.parked) this.parked.add(executionId)
        else this.#await(executionId, this.#recoverFirst(executionId, notes))
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
  async #recoverFirst(executionId: string, notes: ExecutionNotes | undefined): Promise<void> {
    const crashCount = (notes?.crashCount ?? 0) + (notes?.left ? 0 : 1)
    try {
      await this.#recover(executionId, () => crashCount)
    } catch (error) {
      this.#host.logger.warn('An execution could not be resumed', { executionId, error: describeError(error) })
      if (isStoreFailure(error)) this.#retryLater(executionId, () => crashCount)
    }
  }

  #retryLater(executionId: string, countCrashes: CountCrashes, loss?: Loss): void {
    const { retries, running, logger } = this.#host
    // Once: each try leaves its own note of it.
    let crashCount: number | undefined
    const countOnce: CountCrashes = notes => (crashCount ??= countCrashes(notes))
    const retry = async (): Promise<void> => {
      // By hand, meanwhile.
      if (running.get(executionId) !== undefined) return
      try {
        await this.#recover(executionId, countOnce, loss)
      } catch (error) {
        if (isStoreFailure(error)) throw error
        // For the next process, or by hand.
        logger.warn('An execution could not be resumed', { executionId, error: describeError(error) })
      }
    }
    retries.add(executionId, () => this.alone(executionId, retry), loss?.idleCount)
  }

  /** It goes on, or is parked, unless it has ended. @throws what the store throws; what the provider of its tools throws */
  async #recover(executionId: string, countCrashes: CountCrashes, loss?: Loss): Promise<void> {
    const { logger } = this.#host
    try {
      const means = await this.#prepare(executionId, countCrashes)
      if (means === undefined) return
      await this.#inTurn(async () => {
        // Once more, and not kept meanwhile: those that wait may be many, and what was asked for large.
        const stored = await this.#findLeft(executionId)
        if (stored === undefined) return
        const whose = loss === undefined ? 'its process left' : 'was lost'
        logger.warn(`Resuming an execution that ${whose}`, { executionId, crashCount: means.notes.crashCount })
        await this.#goOn(stored, means.tools, means.notes, loss)
      })
    } catch (error) {
      if (!isRecordUnusable(error)) throw error
      await this.parked.park(executionId, { code: 'RECORD_UNUSABLE', message: error.message })
    }
  }

  /** @returns once its tools are there; `undefined` where it does not go on @throws HttpProblem for a record that cannot be used */
  async #prepare(executionId: string, countCrashes: CountCrashes): Promise<Means | undefined> {
    const stored = await this.#findLeft(executionId)
    if (stored === undefined) return undefined
    const crashCount = countCrashes(stored.notes)
    const { workflow, stop } = readLeft(stored)
    if (stop !== undefined) return { tools: NO_TOOLS, notes: { crashCount, stop } }
    if (crashCount < MAX_CRASHES) return this.#awaitTools(executionId, workflow, crashCount)
    const message = `It was cut off ${crashCount} times in a row, by the end of its process or a failure of its store: resume it by hand`
    await this.parked.park(executionId, { code: 'CRASH_LIMIT', message }, crashCount)
    return undefined
  }

  async #awaitTools(executionId: string, workflow: unknown, crashCount: number): Promise<Means | undefined> {
    try {
      return { tools: await this.#findTools(workflow), notes: { crashCount } }
    } catch (error) {
      // They may be there later; anything else may not.
      if (!(error instanceof DagstreamError) || error.code !== 'TOOLS_UNAVAILABLE') throw error
      this.#host.logger.warn('An execution could not be resumed', { executionId, error: describeError(error) })
      const message = 'Tools of the execution could not be had when it was to be resumed: resume it by hand'
      await this.parked.park(executionId, { code: error.code, message })
      return undefined
    }
  }

  /** What is to go on by itself, whole. */
  async #findLeft(executionId: string): Promise<StoredExecution | undefined> {
    const stored = await askStore(() => this.#host.store.get(executionId))
    return stored?.status === 'running' && !stored.notes?.parked ? stored : undefined
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const working = this.#turn.then(work)
    this.#turn = working.catch(() => {})
    return working
  }

  async #goOn(...found: Parameters<RecoveryHost['goOn']>): Promise<HostedExecution> {
    if (this.#closing.signal.aborted) throw shuttingDown()
    try {
      const hosted = await this.#host.goOn(...found)
      this.parked.remove(hosted.executionId)
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

/** How often in a row it was cut off, given what is noted of it. */
type CountCrashes = (notes?: ExecutionNotes) => number
