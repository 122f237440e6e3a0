import { backoff, type BackoffPolicy } from '../../../backoff.ts'
import type { Clock } from '../../../clock.ts'
import { sleep } from '../../../sleep.ts'
import type { Connection, ConnectionOptions } from './connection.ts'
import { CLOSED, McpFailure } from '../protocol/mcp-failure.ts'

/** Gives connections to one server. */
export interface ServerLink {
  /** The usable connection; opens one if there is none. @returns a promise while it opens, which rejects with an `McpFailure` */
  connect(): Connection | Promise<Connection>
  /** Counts the start and the end of a call. */
  begin(connection: Connection): void
  end(connection: Connection): void
  /** A call was answered: resets the restart delay. */
  answered(): void
  /** Closes an unusable connection. The next use opens another without delay. */
  drop(connection: Connection, reason: string): void
  /** Uses a connection for no further calls, for instance when its session has ended. Running calls complete. */
  retire(connection: Connection, reason: string): void
  /** Closes all connections. Idempotent; never rejects. */
  close(): Promise<void>
}

/** Delay of a restart after a loss or a failed start. */
const BACKOFF: BackoffPolicy = { initialDelayMs: 100, maxDelayMs: 10_000 }

/**
 * A server that starts on first use, and again on the first use after a loss. Each further loss doubles the delay of the
 * restart, until a call has been answered.
 */
export class RestartingLink implements ServerLink {
  readonly #name: string
  readonly #clock: Clock
  readonly #options: ConnectionOptions
  readonly #closing = new AbortController()
  #connection: Connection | undefined
  #opening: Promise<Connection> | undefined
  /** Connections without further calls, whose running calls complete. */
  readonly #retired = new Set<Connection>()
  /** Connections that are closing. */
  readonly #closes = new Set<Promise<void>>()
  #failureCount = 0
  #restartAt = Number.NEGATIVE_INFINITY
  readonly #onLost: () => void

  /** @param onLost called when an open connection is lost or retired */
  constructor(name: string, options: Omit<ConnectionOptions, 'onLost'>, onLost: () => void) {
    this.#name = name
    this.#clock = options.clock
    this.#onLost = onLost
    this.#options = {
      ...options,
      onLost: connection => {
        if (this.#retired.delete(connection)) return
        this.#connection = undefined
        this.#backOff()
        onLost()
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
    // The server is alive, so the restart needs no delay.
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
    // The connection is closed after its last call.
    this.#retired.add(connection)
    this.#options.log.debug(reason)
    this.#onLost()
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
      // Loads the SDK on the first connection: that takes longer than loading all other modules.
      const { openConnection } = await import('./open-connection.ts')
      const connection = await openConnection(this.#options, signal)
      // The connection may be lost already.
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
    this.#failureCount += 1
    this.#restartAt = this.#clock.now() + backoff(BACKOFF, this.#failureCount)
  }

  /** Resolves early when the link is closed. */
  #waitForRestart(): Promise<void> | undefined {
    const delayMs = this.#restartAt - this.#clock.now()
    const { signal } = this.#closing
    if (delayMs <= 0 || signal.aborted) return undefined
    return sleep(this.#clock, delayMs, signal).catch(() => {})
  }

  #track(close: Promise<void>): void {
    this.#closes.add(close)
    void close.finally(() => this.#closes.delete(close))
  }
}

/** The failure of a call that was not made, for lack of a connection. */
export function unavailable(name: string, reason: string): McpFailure {
  return new McpFailure('MCP_SERVER_UNAVAILABLE', `MCP server \`${name}\` does not start: ${reason}`)
}
