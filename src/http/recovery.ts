import { afterTurn, isTurnSpent } from '../clock.ts'
import { DagstreamError } from '../errors.ts'
import { onAbort } from '../execute/abort-signals.ts'
import { parseRecorded } from '../execute/recorded-options.ts'
import type { ExecutionStore, StoredExecution } from '../store/execution-store.ts'
import type { ExecutionNotes } from '../stream/execution-notes.ts'
import type { Logger } from '../stream/logger.ts'
import { ToolRegistry } from '../tools/registry.ts'
import type { ToolShelf } from '../tools/tool-provider.ts'
import { askStore } from './ask-store.ts'
import { describeError } from './describe-error.ts'
import type { HostedExecution } from './hosted-execution.ts'
import { shuttingDown } from './problem.ts'

/** So many processes in a row may end while an execution runs; then it is parked, since it may be why they did. */
const MAX_CRASHES = 3

/** For what is only ended: nothing of it is called. */
const NO_TOOLS = new ToolRegistry()

/** Where executions go on. */
export interface RecoveryHost {
  readonly store: ExecutionStore
  readonly tools: ToolShelf
  readonly logger: Logger
  readonly goOn: (stored: StoredExecution, tools: ToolRegistry, notes: ExecutionNotes) => Promise<HostedExecution>
  /** Called whenever one more has gone on, or is not going to. */
  readonly onLess: () => void
}

/**
 * Takes up again, when a process starts, what those before it left unfinished: the oldest first, one after the other. The
 * tools of all are asked for at once, so that none waits for those of another.
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

  /** By hand, one at a time for each execution. @returns rejects as `work` does */
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
        else this.#await(executionId, this.#recover(stored))
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

  /** Never rejects. */
  async #recover(stored: StoredExecution): Promise<void> {
    const { executionId, notes } = stored
    const { logger } = this.#host
    try {
      const crashCount = (notes?.crashCount ?? 0) + (notes?.left ? 0 : 1)
      if (crashCount >= MAX_CRASHES) {
        const message = `${crashCount} processes in a row ended while the execution ran: resume it by hand`
        return await this.#park(stored, { code: 'CRASH_LIMIT', message }, crashCount)
      }
      const tools = await this.#findTools(stored)
      await this.#inTurn(() => {
        logger.warn('Resuming an execution that its process left', { executionId, crashCount })
        return this.#goOn(stored, tools, { crashCount })
      })
    } catch (error) {
      await this.#fail(stored, error)
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const working = this.#turn.then(work)
    this.#turn = working.catch(() => {})
    return working
  }

  async #goOn(stored: StoredExecution, tools: ToolRegistry, notes: ExecutionNotes): Promise<HostedExecution> {
    if (this.#closing.signal.aborted) throw shuttingDown()
    const hosted = await this.#host.goOn(stored, tools, notes)
    this.#parked.delete(stored.executionId)
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

  /** Tools that cannot be had now may be there later; for the rest it stays as it is, for the next process or by hand. */
  async #fail(stored: StoredExecution, error: unknown): Promise<void> {
    const { executionId } = stored
    const { logger } = this.#host
    logger.warn('An execution could not be resumed', { executionId, error: describeError(error) })
    if (!(error instanceof DagstreamError) || error.code !== 'TOOLS_UNAVAILABLE') return
    const message = 'Tools of the execution could not be had when it was to be resumed: resume it by hand'
    try {
      await this.#park(stored, { code: error.code, message }, stored.notes?.crashCount ?? 0)
    } catch (failure) {
      logger.warn('An execution could not be parked', { executionId, error: describeError(failure) })
    }
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
