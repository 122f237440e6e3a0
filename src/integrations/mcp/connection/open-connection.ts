import { Client } from '@modelcontextprotocol/client'
import { NO_TIMEOUT } from '../protocol/mcp-client.ts'
import { CLOSED } from '../protocol/mcp-failure.ts'
import { describeError } from '../protocol/sdk-errors.ts'
import type { Connection, ConnectionOptions } from './connection.ts'
import { withDeadline } from './deadline.ts'
import { HttpTransport } from '../transport/http-transport.ts'
import { ProcessTransport } from '../transport/process-transport.ts'
import { cutText } from '../../../text.ts'

/** Time for a server to end its session, ms. */
const END_SESSION_MS = 2000

/**
 * Starts a server or connects to it, and initializes the session.
 * @param signal cancels the start
 * @returns rejects with an error whose message is the reason, without secrets
 */
export async function openConnection(options: ConnectionOptions, signal: AbortSignal): Promise<Connection> {
  const { clock, startTimeoutMs } = options
  const opening = new OpeningConnection(options)
  let abort = (): void => {}
  const closed = new Promise<string>(resolve => {
    abort = () => resolve('it was closed')
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
  })
  const connected = opening.connect().then(
    () => undefined,
    (error: unknown) => opening.describeFailure(error),
  )
  const reason = await withDeadline(
    clock,
    startTimeoutMs,
    Promise.race([connected, closed]),
    () => `it did not answer \`initialize\` within ${startTimeoutMs} ms${opening.describeLines()}`,
  )
  signal.removeEventListener('abort', abort)
  if (reason === undefined) return opening
  await opening.abandon()
  throw new Error(reason)
}

class OpeningConnection implements Connection {
  // Those by URL are declined by an answer.
  readonly client: Client = new Client(
    { name: 'dagstream', version: '1' },
    { capabilities: { elicitation: { form: {}, url: {} } } },
  )
  callCount = 0
  readonly #options: ConnectionOptions
  readonly #transport: ProcessTransport | HttpTransport
  #lossReason: string | undefined
  #isOpen = false
  #lastLine = ''
  #noiseCount = 0

  constructor(options: ConnectionOptions) {
    this.#options = options
    const { reach, clock } = options
    this.#transport =
      reach.kind === 'http'
        ? new HttpTransport(reach, options.fetch)
        : new ProcessTransport(reach, clock, {
            onStderr: line => this.#logLine(line),
            onEnded: reason => this.#lose(reason),
          })
    this.client.setRequestHandler('elicitation/create', async ({ params }) => ({
      ...(await options.onElicitation(params)),
    }))
    Object.assign(this.client, {
      onerror: (error: Error) => this.#logError(error),
      onclose: () => this.#lose('closed the connection'),
    })
  }

  get lossReason(): string | undefined {
    return this.#lossReason
  }

  async connect(): Promise<void> {
    await this.client.connect(this.#transport, { timeout: NO_TIMEOUT })
    this.#isOpen = true
  }

  /** Ends a connection that was not opened. Never rejects. */
  async abandon(): Promise<void> {
    if (this.#transport instanceof ProcessTransport) this.#transport.kill()
    await this.#transport.close()
  }

  async close(reason: string): Promise<void> {
    this.#lose(reason, true)
    try {
      if (this.#transport instanceof HttpTransport) {
        await withDeadline(this.#options.clock, END_SESSION_MS, this.#transport.terminateSession(), () => {})
      }
      await this.#transport.close()
    } catch (error) {
      this.#options.log.debug(`could not be closed: ${error instanceof Error ? error.message : 'unknown error'}`)
    }
  }

  describeLines(): string {
    const lines = this.#noiseCount === 1 ? 'a line' : `${this.#noiseCount} lines`
    if (this.#noiseCount > 0) return `, but wrote ${lines} on stdout that are not messages (logs belong on stderr)`
    return this.#lastLine === '' ? '' : `; it last wrote: ${this.#lastLine}`
  }

  describeFailure(error: unknown): string {
    const { reach, redact } = this.#options
    const { code, syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown }
    if (reach.kind === 'process') {
      if (code === 'ENOENT' && typeof syscall === 'string' && syscall.startsWith('spawn')) {
        return `\`${redact(reach.command)}\`${reach.cwd === undefined ? '' : ', or its `cwd`,'} was not found`
      }
      // When the SDK closed the transport, its error has the reason.
      const hasEnded = this.#lossReason !== undefined && this.#lossReason !== CLOSED
      if (hasEnded && code !== 'EACCES') return `it ${this.#lossReason}${this.describeLines()}`
    }
    return cutText(redact(describeError(error)), 300)
  }

  /** @param isMeant whether the connection was closed by this process */
  #lose(reason: string, isMeant = false): void {
    if (this.#lossReason !== undefined) return
    this.#lossReason = reason
    if (!this.#isOpen) return
    const { log } = this.#options
    if (isMeant) log.debug(reason, { isClosed: reason === CLOSED })
    else log.warn(reason)
    this.#options.onLost(this)
  }

  #logLine(line: string): void {
    this.#lastLine = cutText(this.#options.redact(line), 200)
    this.#options.log.debug(line)
  }

  #logError(error: Error): void {
    // An aborted request is not a fault of the server.
    if (error.name === 'AbortError' || error.message.includes('AbortError')) return
    if (error.message.startsWith('wrote ')) this.#noiseCount += 1
    this.#options.log.warn(cutText(error.message, 500))
  }
}
