import type { Redis, RedisOptions } from 'ioredis'
import { describeError } from '../../log/describe-error.ts'
import type { Logger } from '../../log/logger.ts'

/** Longest pause between two attempts to connect, ms. */
const RECONNECT_MS = 1000

/** Time for a connection to be made, ms. */
const CONNECT_TIMEOUT_MS = 3000

/** Time for the first connection, ms. A later one is made in the background. */
const FIRST_CONNECT_MS = 3000

/** Time between two probes of a connection that may be cut without a word, ms. */
const KEEP_ALIVE_MS = 5000

/** Options of all connections. */
export const LINK_OPTIONS: Pick<RedisOptions, 'connectTimeout' | 'keepAlive' | 'retryStrategy'> = {
  connectTimeout: CONNECT_TIMEOUT_MS,
  keepAlive: KEEP_ALIVE_MS,
  retryStrategy: times => Math.min(RECONNECT_MS, 50 * times),
}

/** Reports a connection that is lost once per outage, and its return. */
export class RedisLink {
  readonly #redis: Redis
  readonly #location: string
  readonly #logger: Logger
  #isAway = false
  #lastFault = ''

  /** @param onChange called with whether the connection is ready */
  constructor(redis: Redis, location: string, logger: Logger, onChange: (isReady: boolean) => void = () => {}) {
    this.#redis = redis
    this.#location = location
    this.#logger = logger
    redis.on('ready', () => {
      if (this.#isAway) logger.debug('Redis answers again', { queue: location })
      this.#isAway = false
      onChange(true)
    })
    redis.on('close', () => onChange(false))
    redis.on('error', (error: unknown) => this.failed(error))
  }

  get isReady(): boolean {
    return this.#redis.status === 'ready'
  }

  /** A command or the connection failed. */
  failed(error: unknown): void {
    const fields = { queue: this.#location, error: describeError(error) }
    if (this.isReady) {
      if (fields.error !== this.#lastFault) this.#logger.warn('Redis refused a command', fields)
      this.#lastFault = fields.error
      return
    }
    if (this.#isAway) return
    this.#isAway = true
    this.#logger.warn('Redis does not answer: orders are taken from the store until it does', fields)
  }
}

/** Settles once a connection is ready, or after some seconds; never rejects. */
export function untilReady(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve()
  return new Promise(resolve => {
    const ready = (): void => {
      clearTimeout(timer)
      redis.off('ready', ready)
      resolve()
    }
    const timer = setTimeout(ready, FIRST_CONNECT_MS)
    redis.once('ready', ready)
  })
}
