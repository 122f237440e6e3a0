import { DagstreamError } from '../errors.ts'
import type { ExecutionStore, StoredExecution } from '../store/execution-store.ts'
import type { ExecutionNotes } from '../stream/execution-notes.ts'
import type { Logger } from '../stream/logger.ts'
import { askStore } from './ask-store.ts'
import { describeError } from './describe-error.ts'

/** So many processes in a row may end while an execution runs; then it is parked, since it may be why they did. */
const MAX_CRASHES = 3

/**
 * Takes up again, when a process starts, what those before it left unfinished: the oldest first, one after the other.
 *
 * Whoever asks for one of them meanwhile waits until it is known whether it goes on here.
 */
export class Recovery {
  readonly #store: ExecutionStore
  readonly #logger: Logger
  readonly #takeUp: (stored: StoredExecution, notes: ExecutionNotes) => Promise<unknown>
  /** By id, those that it is their turn of, or will be; never reject. */
  readonly #pending = new Map<string, Promise<void>>()
  readonly #listed: Promise<void>
  #last: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(
    store: ExecutionStore,
    logger: Logger,
    takeUp: (stored: StoredExecution, notes: ExecutionNotes) => Promise<unknown>,
  ) {
    this.#store = store
    this.#logger = logger
    this.#takeUp = takeUp
    this.#listed = this.#begin()
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
    const over = working.then(
      () => {},
      () => {},
    )
    this.#pending.set(executionId, over)
    try {
      return await working
    } finally {
      this.#pending.delete(executionId)
    }
  }

  /** Begins with no further one, and waits for the one that it is at. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#listed
    await this.#last
  }

  async #begin(): Promise<void> {
    try {
      const found = (await askStore(() => this.#store.interrupted?.())) ?? []
      for (const stored of found) {
        this.#last = this.#last.then(() => this.#recover(stored))
        this.#pending.set(stored.executionId, this.#last)
      }
    } catch (error) {
      this.#logger.warn('What earlier processes left could not be found', { error: describeError(error) })
    }
  }

  async #recover(stored: StoredExecution): Promise<void> {
    const { executionId, notes } = stored
    try {
      if (this.#isClosed || notes?.parked) return
      const crashCount = (notes?.crashCount ?? 0) + 1
      if (crashCount >= MAX_CRASHES) {
        const message = `${crashCount} processes in a row ended while the execution ran: resume it by hand`
        return await this.#park(stored, { code: 'CRASH_LIMIT', message }, crashCount)
      }
      this.#logger.warn('Resuming an execution that its process left', { executionId, crashCount })
      await this.#takeUp(stored, { crashCount })
    } catch (error) {
      await this.#fail(stored, error)
    } finally {
      this.#pending.delete(executionId)
    }
  }

  /** Tools that cannot be had now may be there later; for the rest it stays as it is, for the next process or by hand. */
  async #fail(stored: StoredExecution, error: unknown): Promise<void> {
    const { executionId } = stored
    this.#logger.warn('An execution could not be resumed', { executionId, error: describeError(error) })
    if (!(error instanceof DagstreamError) || error.code !== 'TOOLS_UNAVAILABLE') return
    const message = 'Tools of the execution could not be had when it was to be resumed: resume it by hand'
    try {
      await this.#park(stored, { code: error.code, message }, stored.notes?.crashCount ?? 0)
    } catch (failure) {
      this.#logger.warn('An execution could not be parked', { executionId, error: describeError(failure) })
    }
  }

  async #park(
    { executionId }: StoredExecution,
    parked: NonNullable<ExecutionNotes['parked']>,
    crashCount: number,
  ): Promise<void> {
    this.#logger.warn('An execution is parked', { executionId, ...parked })
    await askStore(async () => this.#store.note(await this.#store.claim(executionId), { parked, crashCount }))
  }
}
