import type { Client, ClientConfig } from 'pg'
import type { Hint, Hints } from '../../../cluster/shared-store.ts'
import type { Database } from '../database.ts'
import type { PostgresDriver } from '../load-driver.ts'
import { LISTEN, NOTIFY, PING } from '../sql/hints.ts'
import { CHANNEL } from '../sql/migrations.ts'
import { HintLane, type HintsByWord } from './hint-lane.ts'
import { readPayload, toPayload } from './hint-text.ts'

type Wake = (hints: readonly Hint[] | undefined) => void

/**
 * Pauses between notifications, ms: they take a lock of the whole database. A reader waits once for `log`; a chain of tasks waits
 * for the other hints at each step.
 */
const LOG_PAUSE_MS = 10
const STEP_PAUSE_MS = 2

/** Delay before the connection is made again, and the interval of its probes, ms. */
const RECONNECT_MS = 500
const PING_EVERY_MS = 10_000
const PING_TIMEOUT_MS = 5000

/** Hints by `NOTIFY`, apart from all transactions, received on a connection of their own. */
export class HintChannel implements Hints {
  readonly #database: Database
  readonly #driver: PostgresDriver
  readonly #config: ClientConfig
  /** Word of this process. */
  readonly #own: string = globalThis.crypto.randomUUID().slice(0, 8)
  readonly #subscribers = new Set<Wake>()
  readonly #log = new HintLane(LOG_PAUSE_MS, hints => this.#send(hints))
  /** Takes the waiting `log` hints along. */
  readonly #steps = new HintLane(STEP_PAUSE_MS, hints => this.#send(new Map([...hints, ...this.#log.take()])))
  #client: Client | undefined
  #connecting: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #ping: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(database: Database, driver: PostgresDriver, config: ClientConfig) {
    this.#database = database
    this.#driver = driver
    this.#config = config
  }

  readonly publish = (hint: Hint): void => {
    if (this.#isClosed) return
    const lane = hint.kind === 'log' ? this.#log : this.#steps
    lane.add(hint)
  }

  async subscribe(wake: Wake): Promise<() => Promise<void>> {
    // Each subscription is one of its own, also with the same function.
    const entry: Wake = hints => wake(hints)
    this.#subscribers.add(entry)
    if (this.#client === undefined) await (this.#connecting ??= this.#connect())
    return async () => void this.#subscribers.delete(entry)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#subscribers.clear()
    clearTimeout(this.#timer)
    clearInterval(this.#ping)
    await this.#connecting
    await this.#client?.end()
  }

  /** Wakes the subscribers of this process, then those of others. Never rejects. */
  async #send(hints: HintsByWord): Promise<void> {
    this.#wake([...hints.values()])
    try {
      await this.#database.tryOnce(NOTIFY, [CHANNEL, toPayload(this.#own, hints.keys())])
    } catch {
      // Lost hints cost others the interval of their polls.
    }
  }

  /** Never rejects: without a connection the subscribers poll, and it is tried again. */
  async #connect(): Promise<void> {
    const client = new this.#driver.Client({ ...this.#config, query_timeout: PING_TIMEOUT_MS })
    const lose = (): void => {
      if (this.#client === client) this.#lose()
    }
    client.on('error', lose)
    client.on('end', lose)
    client.on('notification', ({ payload = '' }) => this.#receive(payload))
    try {
      await client.connect()
      await client.query(LISTEN)
      if (this.#isClosed) return await client.end()
      this.#client = client
      this.#ping = setInterval(() => void client.query(PING).catch(lose), PING_EVERY_MS).unref()
    } catch {
      void client.end().catch(() => {})
      this.#reconnect()
    } finally {
      this.#connecting = undefined
    }
  }

  #lose(): void {
    void this.#client?.end().catch(() => {})
    this.#client = undefined
    clearInterval(this.#ping)
    this.#reconnect()
  }

  #reconnect(): void {
    if (this.#isClosed) return
    this.#timer = setTimeout(() => {
      this.#connecting = this.#connect().then(() => {
        if (this.#client !== undefined) this.#wake(undefined)
      })
    }, RECONNECT_MS).unref()
  }

  #receive(payload: string): void {
    const hints = readPayload(this.#own, payload)
    if (hints === undefined || hints.length > 0) this.#wake(hints)
  }

  #wake(hints: readonly Hint[] | undefined): void {
    for (const wake of this.#subscribers) wake(hints)
  }
}
