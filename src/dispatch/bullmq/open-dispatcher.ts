import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { AttemptKey } from '../../attempt/runner.ts'
import type { Dispatcher, KeyReceiver, Order, Reception } from '../../cluster/order.ts'
import { expectObject, invalidOption } from '../../errors.ts'
import { guardLogger, type Logger, SILENT_LOGGER } from '../../log/logger.ts'
import { JobReception } from './job-reception.ts'
import { loadPackages, type QueuePackages } from './load-packages.ts'
import { jobIdOf, type OrderJob, toJob } from './order-job.ts'
import { LINK_OPTIONS, RedisLink, untilReady } from './redis-link.ts'
import { describeRedisUrl, expectRedisUrl } from './redis-url.ts'

/** Orders that are on their way to Redis at most; more are left to the store. */
const MAX_SENDING = 10_000
/** Time for Redis to answer, ms. */
const COMMAND_TIMEOUT_MS = 5000
/** Entries of the event stream that dashboards read. */
const MAX_EVENTS = 1000

/** Options of a dispatcher by BullMQ. */
export interface BullmqOptions {
  /** Name of the queue, the same for all processes on one store: `[A-Za-z0-9_-]`, 1–128 characters. @defaultValue `dagstream` */
  readonly queue?: string
  /** What the keys in Redis begin with: `[A-Za-z0-9_-]`, 1–128 characters. @defaultValue `bull` */
  readonly prefix?: string
  readonly logger?: Logger
}

const KNOWN = ['queue', 'prefix', 'logger']

/**
 * Opens a dispatcher whose keys travel by a queue of BullMQ in Redis. Orders, limits and outcomes stay in the store, so that a
 * Redis that is lost delays orders and loses none. The caller closes it, after servers and workers.
 *
 * Needs the packages `bullmq` and `ioredis`. A Redis that does not answer yet is waited for in the background.
 * @param url such as `redis://:password@host:6379/0`; `rediss://` for TLS
 * @throws `INVALID_OPTION`, `MISSING_PACKAGE`, as rejections
 */
export async function openBullmqDispatcher(url: string, options: BullmqOptions = {}): Promise<Dispatcher> {
  expectRedisUrl(url)
  for (const [name, value] of Object.entries(expectObject('options', options))) {
    if (!KNOWN.includes(name)) throw invalidOption(name, `absent: known are ${KNOWN.join(', ')}`, value)
  }
  const { queue = 'dagstream', prefix = 'bull', logger = SILENT_LOGGER } = options
  for (const [name, value] of Object.entries({ queue, prefix })) {
    if (typeof value !== 'string' || !/^[A-Za-z0-9_-]{1,128}$/.test(value)) {
      throw invalidOption(name, '1–128 of the characters A–Z, a–z, 0–9, _ and -', value)
    }
  }
  const packages = await loadPackages()
  const dispatcher = new BullmqDispatcher({ packages, url, queue, prefix, logger: guardLogger(logger) })
  await dispatcher.connected()
  return dispatcher
}

interface DispatcherParts {
  readonly packages: QueuePackages
  readonly url: string
  readonly queue: string
  readonly prefix: string
  readonly logger: Logger
}

class BullmqDispatcher implements Dispatcher {
  readonly name = 'bullmq'
  readonly #parts: DispatcherParts
  readonly #location: string
  readonly #redis: Redis
  readonly #link: RedisLink
  readonly #queue: Queue<OrderJob, void>
  #sendingCount = 0

  constructor(parts: DispatcherParts) {
    const { packages, url, queue, prefix, logger } = parts
    this.#parts = parts
    this.#location = describeRedisUrl(url)
    // Commands fail while Redis is away: none wait in memory.
    const once = { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: COMMAND_TIMEOUT_MS }
    this.#redis = new packages.Redis(url, { ...LINK_OPTIONS, ...once })
    this.#link = new RedisLink(this.#redis, this.#location, logger)
    this.#queue = new packages.Queue(queue, {
      connection: this.#redis,
      prefix,
      streams: { events: { maxLen: MAX_EVENTS } },
      defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true },
      skipMetasUpdate: true,
    })
    this.#queue.on('error', error => this.#link.failed(error))
  }

  /** Settles once Redis has answered, or after some seconds. */
  connected(): Promise<void> {
    return untilReady(this.#redis)
  }

  async dispatch(orders: readonly Order[]): Promise<void> {
    // The workers find them in the store.
    if (!this.#link.isReady || this.#sendingCount >= MAX_SENDING) return
    this.#sendingCount += orders.length
    try {
      await this.#queue.addBulk(orders.map(toJob))
    } catch (error) {
      this.#link.failed(error)
    } finally {
      this.#sendingCount -= orders.length
    }
  }

  async cancel(key: AttemptKey): Promise<void> {
    await this.#withdraw([key])
  }

  async receive(receiver: KeyReceiver): Promise<Reception> {
    const withdraw = (keys: readonly AttemptKey[]): void => void this.#withdraw(keys)
    const reception = new JobReception({ ...this.#parts, location: this.#location, withdraw }, receiver)
    await reception.connected()
    return reception
  }

  async close(): Promise<void> {
    try {
      await this.#queue.close()
    } finally {
      this.#redis.disconnect()
    }
  }

  /** A job that a worker has fetched stays: that worker finds its order gone. Never rejects. */
  async #withdraw(keys: readonly AttemptKey[]): Promise<void> {
    if (!this.#link.isReady) return
    try {
      await Promise.all(keys.map(key => this.#queue.remove(jobIdOf(key))))
    } catch (error) {
      this.#link.failed(error)
    }
  }
}
