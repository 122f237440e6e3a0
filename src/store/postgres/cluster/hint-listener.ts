import type { Client, ClientConfig } from 'pg'
import type { PostgresDriver } from '../connection/load-driver.ts'
import { type Channel, LISTEN, PING, UNLISTEN } from '../sql/hints.ts'

/** Delay before the connection is made again, and the interval of its probes, ms. */
const RECONNECT_MS = 500
const PING_EVERY_MS = 10_000
const PING_TIMEOUT_MS = 5000

/** The parts of a listener. */
export interface ListenerParts {
  readonly driver: PostgresDriver
  readonly config: ClientConfig
  readonly receive: (payload: string) => void
  /** It listens again: notifications may be lost. */
  readonly onReturned: () => void
}

/** Receives notifications on a connection of its own, of the channels that are wanted. */
export class HintListener {
  readonly #parts: ListenerParts
  /** How often each channel is wanted. */
  readonly #counts = new Map<Channel, number>()
  #client: Client | undefined
  #connecting: Promise<void> | undefined
  /** The last statement: one at a time. */
  #last: Promise<void> = Promise.resolve()
  #isLost = false
  #timer: NodeJS.Timeout | undefined
  #ping: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(parts: ListenerParts) {
    this.#parts = parts
  }

  /** Resolves once it listens to these channels, or could not connect: then it tries again. Never rejects. */
  async add(channels: ReadonlySet<Channel>): Promise<void> {
    const client = this.#client
    for (const channel of channels) {
      const count = this.#counts.get(channel) ?? 0
      this.#counts.set(channel, count + 1)
      if (client !== undefined && count === 0) void this.#run(client, LISTEN[channel])
    }
    if (client === undefined) await (this.#connecting ??= this.#connect())
    else await this.#last
  }

  /** Never rejects. */
  async remove(channels: ReadonlySet<Channel>): Promise<void> {
    for (const channel of channels) {
      const count = (this.#counts.get(channel) ?? 0) - 1
      if (count > 0) this.#counts.set(channel, count)
      else this.#counts.delete(channel)
      if (count === 0 && this.#client !== undefined) void this.#run(this.#client, UNLISTEN[channel])
    }
    await this.#last
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    clearInterval(this.#ping)
    await this.#connecting
    await this.#client?.end()
  }

  /** Never rejects: a connection that does not answer is lost. */
  #run(client: Client, text: string): Promise<void> {
    this.#last = this.#last.then(async () => {
      if (this.#client !== client || this.#isClosed) return
      try {
        await client.query(text)
      } catch {
        this.#lose(client)
      }
    })
    return this.#last
  }

  /** Never rejects: without a connection it is tried again. */
  async #connect(): Promise<void> {
    const { driver, config, receive, onReturned } = this.#parts
    clearTimeout(this.#timer)
    const client = new driver.Client({ ...config, query_timeout: PING_TIMEOUT_MS })
    client.on('error', () => this.#lose(client))
    client.on('end', () => this.#lose(client))
    client.on('notification', ({ payload = '' }) => receive(payload))
    try {
      await client.connect()
      // Those that are wanted meanwhile come last.
      for (const channel of this.#counts.keys()) await client.query(LISTEN[channel])
      if (this.#isClosed) return await client.end()
      this.#client = client
      this.#ping = setInterval(() => void this.#run(client, PING), PING_EVERY_MS).unref()
    } catch {
      void client.end().catch(() => {})
      this.#reconnect()
    } finally {
      this.#connecting = undefined
    }
    if (this.#client !== client || !this.#isLost) return
    this.#isLost = false
    onReturned()
  }

  #lose(client: Client): void {
    if (this.#client !== client) return
    void client.end().catch(() => {})
    this.#client = undefined
    clearInterval(this.#ping)
    this.#reconnect()
  }

  #reconnect(): void {
    this.#isLost = true
    if (this.#isClosed) return
    this.#timer = setTimeout(() => {
      this.#connecting ??= this.#connect()
    }, RECONNECT_MS).unref()
  }
}
