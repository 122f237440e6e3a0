import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { Clock } from '../../clock.ts'
import { describeError } from './describe-error.ts'
import { MADE_HERE } from './http-calls.ts'
import { createHttpTransport } from './http-transport.ts'
import { CLOSED, ProcessTransport } from './process-transport.ts'
import type { Redact } from './secrets.ts'
import type { Reach } from './server-config.ts'
import type { ServerLog } from './server-log.ts'
import { cutText } from '../../text.ts'

/** The SDK ends each request after its own time-out unless told another: the longest that a timer can keep, ms. */
export const NO_TIMEOUT: number = 2 ** 31 - 1

/** A connected client. */
export interface Connection {
  readonly client: Client
  /** Why it cannot be used any more, in words that follow "the server"; `undefined` while it can. */
  readonly lossReason: string | undefined
  /** How many calls run on it; its link counts them. */
  callCount: number
  /** Ends it. Never rejects. */
  close(reason: string): Promise<void>
}

/** What a connection needs to be opened, and whom it tells. */
export interface ConnectionHost {
  readonly reach: Exclude<Reach, { kind: 'client' }>
  readonly clock: Clock
  readonly log: ServerLog
  readonly redact: Redact
  readonly fetch: FetchLike
  readonly startTimeoutMs: number
  /** It cannot be used any more; called at most once, only after it was opened. */
  lost(connection: Connection): void
}

/** How long a server has to end a session, ms. */
const END_SESSION_MS = 2000

/**
 * Starts a server, or reaches it, and shakes hands.
 * @param signal gives up
 * @returns rejects with an error whose message says why, in words that follow "the server does not start:"
 */
export async function openConnection(host: ConnectionHost, signal: AbortSignal): Promise<Connection> {
  const { clock, startTimeoutMs } = host
  const opening = new OpeningConnection(host)
  let cancelTimer = (): void => {}
  let abort = (): void => {}
  const stopped = new Promise<string>(resolve => {
    cancelTimer = clock.after(startTimeoutMs, () => {
      resolve(`it did not answer \`initialize\` within ${startTimeoutMs} ms${opening.describeLines()}`)
    })
    abort = () => resolve('it was closed')
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
  })
  const reason = await Promise.race([
    opening.connect().then(
      () => undefined,
      (error: unknown) => opening.describeFailure(error),
    ),
    stopped,
  ])
  cancelTimer()
  signal.removeEventListener('abort', abort)
  if (reason === undefined) return opening
  await opening.abandon()
  throw new Error(reason)
}

class OpeningConnection implements Connection {
  readonly client: Client = new Client({ name: 'dagstream', version: '1' })
  callCount = 0
  readonly #host: ConnectionHost
  readonly #transport: ProcessTransport | StreamableHTTPClientTransport
  #lossReason: string | undefined
  #isOpen = false
  #lastLine = ''
  #noiseCount = 0

  constructor(host: ConnectionHost) {
    this.#host = host
    const { reach, clock } = host
    this.#transport =
      reach.kind === 'http'
        ? createHttpTransport(reach, host.fetch)
        : new ProcessTransport(reach, clock, {
            onStderr: line => this.#logLine(line),
            onEnded: reason => this.#lose(reason),
          })
    Object.assign(this.client, {
      onerror: (error: Error) => this.#logError(error),
      onclose: () => this.#lose('closed the connection'),
    })
  }

  get lossReason(): string | undefined {
    return this.#lossReason
  }

  async connect(): Promise<void> {
    // The SDK's types were not made for `exactOptionalPropertyTypes`.
    const transport = this.#transport as Parameters<Client['connect']>[0]
    await this.client.connect(transport, { timeout: NO_TIMEOUT })
    this.#isOpen = true
  }

  /** It never came to be. Never rejects. */
  async abandon(): Promise<void> {
    if (this.#transport instanceof ProcessTransport) this.#transport.kill()
    await this.#transport.close()
  }

  async close(reason: string): Promise<void> {
    this.#lose(reason, true)
    try {
      if (this.#transport instanceof StreamableHTTPClientTransport) await this.#endSession(this.#transport)
      await this.#transport.close()
    } catch (error) {
      this.#host.log.debug(`could not be closed: ${error instanceof Error ? error.message : 'unknown error'}`)
    }
  }

  describeLines(): string {
    const lines = this.#noiseCount === 1 ? 'a line' : `${this.#noiseCount} lines`
    if (this.#noiseCount > 0) return `, but wrote ${lines} on stdout that are no messages (logs belong on stderr)`
    return this.#lastLine === '' ? '' : `; it last wrote: ${this.#lastLine}`
  }

  describeFailure(error: unknown): string {
    const { reach, redact } = this.#host
    const { code, syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown }
    if (reach.kind === 'process') {
      if (code === 'ENOENT' && typeof syscall === 'string' && syscall.startsWith('spawn')) {
        return `\`${redact(reach.command)}\`${reach.cwd === undefined ? '' : ', or its `cwd`,'} was not found`
      }
      // Where the SDK has closed it, the SDK says why.
      const hasEnded = this.#lossReason !== undefined && this.#lossReason !== CLOSED
      if (hasEnded && code !== 'EACCES') return `it ${this.#lossReason}${this.describeLines()}`
    }
    return cutText(redact(describeError(error)), 300)
  }

  /** @param isMeant it was decided here */
  #lose(reason: string, isMeant = false): void {
    if (this.#lossReason !== undefined) return
    this.#lossReason = reason
    if (!this.#isOpen) return
    const { log } = this.#host
    if (isMeant) log.debug(reason, { isClosed: reason === CLOSED })
    else log.warn(reason)
    this.#host.lost(this)
  }

  #logLine(line: string): void {
    this.#lastLine = cutText(this.#host.redact(line), 200)
    this.#host.log.debug(line)
  }

  #logError(error: Error): void {
    // What was made here, and what was ended here, is no fault of the server.
    if (error.message.includes(MADE_HERE) || error.name === 'AbortError' || error.message.includes('AbortError')) return
    if (error.message.startsWith('wrote ')) this.#noiseCount += 1
    this.#host.log.warn(cutText(error.message, 500))
  }

  async #endSession(transport: StreamableHTTPClientTransport): Promise<void> {
    let cancelTimer = (): void => {}
    const late = new Promise<void>(resolve => {
      cancelTimer = this.#host.clock.after(END_SESSION_MS, resolve)
    })
    try {
      await Promise.race([transport.terminateSession(), late])
    } finally {
      cancelTimer()
    }
  }
}
