import type { Clock } from '../../clock.ts'
import type { SharedStore } from '../../cluster/shared-store.ts'
import { describeError } from '../../log/describe-error.ts'
import type { Logger } from '../../log/logger.ts'
import type { ToolResolver } from '../../tools/tool-resolver.ts'
import { type RunningWorker, startWorker } from '../../worker/run-worker.ts'
import type { ClusterOptions } from './cluster-options.ts'

/** Pause before another start of a worker that could not start, ms. */
const RETRY_MS = 1000

/** What an embedded worker works with. */
export interface EmbeddedWorkerParts {
  readonly store: SharedStore
  readonly tools: ToolResolver
  readonly options: ClusterOptions
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  readonly abortGraceMs: number
}

/** The worker within the process of a server: a member of the store of its own. */
export class EmbeddedWorker {
  readonly #parts: EmbeddedWorkerParts
  #worker: RunningWorker | undefined
  #starting: Promise<void> | undefined
  #isClosed = false
  #stopRetry: (() => void) | undefined

  constructor(parts: EmbeddedWorkerParts) {
    this.#parts = parts
  }

  /** Outcomes that the store has refused. */
  get refusedCount(): number {
    return this.#worker?.worker.counters.refusedCount ?? 0
  }

  /** Starts it where this process has tools, again and again until it has started. Never rejects. */
  start(): Promise<void> {
    this.#starting = this.#start()
    return this.#starting
  }

  /** Gives its orders back. @param drainMs time for running attempts to end. Never rejects. */
  async close(drainMs: number): Promise<void> {
    this.#isClosed = true
    this.#stopRetry?.()
    await this.#starting
    try {
      await this.#worker?.close(drainMs)
    } catch (error) {
      this.#parts.logger.warn('The worker of this server could not end in order', { error: describeError(error) })
    }
  }

  async #start(): Promise<void> {
    const { store, tools, options, clock, random, logger, abortGraceMs } = this.#parts
    const { leaseMs, dispatcher } = options
    try {
      const registry = await tools.tools()
      if (this.#isClosed || registry.names().length === 0) return
      const shared = { store, clock, random, logger, abortGraceMs, leaseMs, ...(dispatcher && { dispatcher }) }
      this.#worker = await startWorker({ ...shared, tools: registry })
      this.#worker.ended.catch((error: unknown) => {
        logger.warn('The worker of this server has ended', { error: describeError(error) })
      })
    } catch (error) {
      logger.warn('The worker of this server could not start yet', { error: describeError(error) })
      if (!this.#isClosed) this.#stopRetry = clock.after(RETRY_MS, () => void this.start())
    }
  }
}
