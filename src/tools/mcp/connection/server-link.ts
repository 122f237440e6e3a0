import type { Clock } from '../../../clock.ts'
import type { Connection, ConnectionHost } from './connection.ts'
import { CLOSED, McpFailure } from '../protocol/mcp-failure.ts'

/** The way to one server. */
export interface ServerLink {
  /** A connection that can be used, made where there is none. @returns a promise where it is not open yet, which rejects with an `McpFailure` */
  connect(): Connection | Promise<Connection>
  /** A call runs on a connection, and has ended. */
  begin(connection: Connection): void
  end(connection: Connection): void
  /** A call was answered: the server works. */
  answered(): void
  /** Ends a connection that is of no use; the next use makes another at once. */
  drop(connection: Connection, reason: string): void
  /** Makes no further call on a connection, for instance because its session has ended; those that run come to their end. */
  retire(connection: Connection, reason: string): void
  /** Ends it for good. Harmless to repeat; never rejects. */
  close(): Promise<void>
}

/** How long a server that was lost, or did not start, is left alone before it is started again, ms. */
const INITIAL_DELAY_MS = 100
const MAX_DELAY_MS = 10_000

/**
 * A server that is started on first use, once, and started again on the first use after it was lost. Each further loss doubles
 * the time it is left alone, until a call has been answered.
 */
export class RestartingLink implements ServerLink {
  readonly #name: string
  readonly #clock: Clock
  readonly #host: ConnectionHost
  readonly #closing = new AbortController()
  #connection: Connection | undefined
  #opening: Promise<Connection> | undefined
  /** Those that are used no more, each with calls that still run. */
  readonly #retired = new Set<Connection>()
  /** Those that are being closed while others may be open already. */
  readonly #closes = new Set<Promise<void>>()
  #failureCount = 0
  #restartAt = Number.NEGATIVE_INFINITY
  readonly #lost: () => void

  /** @param lost called when a connection that had been open was lost, or is used no more */
  constructor(name: string, host: Omit<ConnectionHost, 'lost'>, lost: () => void) {
    this.#name = name
    this.#clock = host.clock
    this.#lost = lost
    this.#host = {
      ...host,
      lost: connection => {
        if (this.#retired.delete(connection)) return
        this.#connection = undefined
        this.#backOff()
        lost()
      },
    }
  }

  connect(): Connection | Promise<Connection> {
    return this.#connection ?? (this.#opening ??= this.#open())
  }

  answered(): void {
    this.#failureCount = 0
  }

  drop(connection: Connection, reason: string): void {
    if (connection.lossReason !== undefined) return
    this.#track(connection.close(reason))
    // It answers, if not to this: no reason to leave it alone.
    this.#restartAt = Number.NEGATIVE_INFINITY
  }

  begin(connection: Connection): void {
    connection.callCount += 1
  }

  end(connection: Connection): void {
    connection.callCount -= 1
    if (connection.callCount === 0 && this.#retired.has(connection)) this.#track(connection.close(CLOSED))
  }

  retire(connection: Connection, reason: string): void {
    if (connection !== this.#connection) return
    this.#connection = undefined
    // Its last call closes it: the one that found it of no use, at the earliest.
    this.#retired.add(connection)
    this.#host.log.debug(reason)
    this.#lost()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    if (this.#opening !== undefined) await this.#opening.catch(() => {})
    for (const connection of [this.#connection, ...this.#retired]) {
      if (connection !== undefined) this.#track(connection.close(CLOSED))
    }
    await Promise.all(this.#closes)
  }

  async #open(): Promise<Connection> {
    const { signal } = this.#closing
    try {
      await this.#waitForRestart()
      if (signal.aborted) throw new Error('it was closed')
      // The SDK's client is loaded on the first connection: it takes longer to load than all else here.
      const { openConnection } = await import('./open-connection.ts')
      const connection = await openConnection(this.#host, signal)
      // It may have been lost in the meantime.
      if (connection.lossReason === undefined) this.#connection = connection
      return connection
    } catch (error) {
      this.#backOff()
      throw unavailable(this.#name, (error as Error).message)
    } finally {
      this.#opening = undefined
    }
  }

  #backOff(): void {
    const delayMs = Math.min(MAX_DELAY_MS, INITIAL_DELAY_MS * 2 ** this.#failureCount)
    this.#failureCount += 1
    this.#restartAt = this.#clock.now() + delayMs
  }

  /** Resolves early when this is closed. */
  #waitForRestart(): Promise<void> | undefined {
    const delayMs = this.#restartAt - this.#clock.now()
    const { signal } = this.#closing
    if (delayMs <= 0 || signal.aborted) return undefined
    return new Promise(resolve => {
      const end = (): void => {
        cancelTimer()
        signal.removeEventListener('abort', end)
        resolve()
      }
      const cancelTimer = this.#clock.after(delayMs, end)
      signal.addEventListener('abort', end)
    })
  }

  #track(close: Promise<void>): void {
    this.#closes.add(close)
    void close.finally(() => this.#closes.delete(close))
  }
}

/** A failure to have a connection: no call was made. */
export function unavailable(name: string, reason: string): McpFailure {
  return new McpFailure('MCP_SERVER_UNAVAILABLE', `MCP server \`${name}\` does not start: ${reason}`)
}
