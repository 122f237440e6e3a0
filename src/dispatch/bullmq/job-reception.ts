import type { Job, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { AttemptKey } from '../../attempt/runner.ts'
import type { KeyReceiver, Reception } from '../../cluster/order.ts'
import type { Logger } from '../../log/logger.ts'
import type { QueuePackages } from './load-packages.ts'
import { type OrderJob, readKey } from './order-job.ts'
import { LINK_OPTIONS, RedisLink, untilReady } from './redis-link.ts'

/** First and longest pause before a job is offered again, ms. The store wakes workers when a limit allows more. */
const LIMIT_DELAYS = { firstMs: 1000, maxMs: 60_000 }
/** The same for a job whose tool this worker lacks: another one may fetch it next. */
const TOOL_DELAYS = { firstMs: 20, maxMs: 5000 }
/** Time of a job with a worker that does not renew it, ms. It renews at half of it. */
const LOCK_MS = 30_000
/** How often a job of a dead worker is offered again: the store knows whether its order waits. */
const MAX_STALLED_COUNT = 1_000_000
/** Time for the last jobs to be reported when a worker ends, ms. */
const CLOSE_MS = 2000

/** The parts of a reception. */
export interface ReceptionParts {
  readonly packages: QueuePackages
  readonly url: string
  readonly location: string
  readonly queue: string
  readonly prefix: string
  readonly logger: Logger
  readonly withdraw: (keys: readonly AttemptKey[]) => void
}

/**
 * The jobs of one worker. A job is active from its offer until its attempt has ended, so that BullMQ shows what runs and fetches
 * no more than the worker has room for.
 */
export class JobReception implements Reception {
  readonly #parts: ReceptionParts
  readonly #receiver: KeyReceiver
  readonly #redis: Redis
  readonly #worker: Worker<OrderJob>

  constructor(parts: ReceptionParts, receiver: KeyReceiver) {
    const { packages, url, location, queue, prefix, logger } = parts
    this.#parts = parts
    this.#receiver = receiver
    this.#redis = new packages.Redis(url, { ...LINK_OPTIONS, maxRetriesPerRequest: null })
    const link = new RedisLink(this.#redis, location, logger, isReady => receiver.reachable(isReady))
    this.#worker = new packages.Worker<OrderJob>(queue, (job, token) => this.#process(job, token), {
      connection: this.#redis,
      prefix,
      name: receiver.workerId,
      concurrency: receiver.capacity,
      lockDuration: LOCK_MS,
      stalledInterval: LOCK_MS,
      maxStalledCount: MAX_STALLED_COUNT,
      runRetryDelay: 1000,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    })
    // Without a listener an error would end the process. A job whose lock is lost is offered elsewhere and found gone.
    this.#worker.on('error', error => link.failed(error))
  }

  /** Settles once offers can come, or after some seconds. */
  connected(): Promise<void> {
    return untilReady(this.#redis)
  }

  limit(count: number): void {
    if (this.#worker.concurrency !== count) this.#worker.concurrency = count
  }

  withdraw(keys: readonly AttemptKey[]): void {
    this.#parts.withdraw(keys)
  }

  stop(): void {
    this.#worker.pause(true).catch(() => {})
  }

  async close(): Promise<void> {
    let stopTimer = (): void => {}
    const timeout = new Promise<void>(resolve => {
      const timer = setTimeout(resolve, CLOSE_MS)
      stopTimer = () => clearTimeout(timer)
    })
    const closed = this.#worker.close().catch(() => {})
    await Promise.race([closed, timeout])
    stopTimer()
    this.#redis.disconnect()
  }

  /** Resolves once the job is done with: it is removed. */
  async #process(job: Job<OrderJob>, token: string | undefined): Promise<void> {
    const { DelayedError, WaitingError } = this.#parts.packages
    const key = readKey(job.data)
    if (key === undefined) return
    const offered = await this.#receiver.offer(key, job.name)
    if (offered.status === 'gone') return
    const isTaken = offered.status === 'taken'
    if (isTaken && (await offered.ended) === 'done') return
    if (isTaken || offered.cause === 'turn') {
      await job.moveToWait(token)
      throw new WaitingError()
    }
    const { firstMs, maxMs } = offered.cause === 'tool' ? TOOL_DELAYS : LIMIT_DELAYS
    const delayMs = Math.min(maxMs, firstMs * 2 ** Math.min(20, job.attemptsStarted - 1))
    await job.moveToDelayed(Date.now() + delayMs, token)
    throw new DelayedError()
  }
}
